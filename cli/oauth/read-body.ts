import { ResponseBuffer } from '../../lambda/core/response-buffer.ts';

/** Reads a response's text, up to the function's own limit, so that a body without an end cannot use up the memory. */
export async function readBody({ body }: Response): Promise<string> {
  const buffer = new ResponseBuffer();
  const reader = body?.getReader();
  while (reader !== undefined && !buffer.isTruncated) {
    const { done, value } = await reader.read();
    if (done) break;
    buffer.add(value);
  }
  await reader?.cancel().catch(() => undefined);
  return new TextDecoder().decode(buffer.toBytes());
}
