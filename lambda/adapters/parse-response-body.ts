import type * as Zlib from 'node:zlib';
import { parseJson } from '../contract.ts';

/** No token answer is near this long, decoded or not; the rest of a longer one is not read. */
export const BODY_MAX_BYTES = 16 * 1024;

/** Nobody nests more of them, but whoever means harm. */
const MAX_CODINGS = 3;

/** What is decoded of a compressed body, to read its first 16 KiB: a bomb is none. */
const DECODED_MAX_BYTES = 1024 * 1024;

/** What came back over HTTP; of a body that was cut short or too long, the beginning. */
export interface ResponseBody {
  readonly body: Uint8Array;
  readonly contentEncoding?: string | undefined;
  readonly contentType?: string | undefined;
}

/** The members of an answer, or what the body is instead. */
export type ParsedBody =
  | { readonly kind: 'members'; readonly members: JsonObject; readonly isCut: boolean }
  | { readonly kind: 'nothing'; readonly what: 'an empty body' | 'HTML' | 'a body that is neither JSON nor a form' };

/**
 * Reads an answer however it was wrapped: an answer may have cost a refresh token. Content codings (announced or shown by
 * their first bytes), character sets, byte order marks, form encoding, text around the JSON, and JSON that was cut short.
 * Never throws, and what it answers quotes nothing but the members.
 */
export function parseResponseBody(response: ResponseBody): ParsedBody {
  const text = decodeText(decodeContent(response), response.contentType);
  if (text === '') return { kind: 'nothing', what: 'an empty body' };
  const whole = parseObject(text) ?? parseForm(text) ?? parseEmbedded(text);
  if (whole) return { kind: 'members', members: whole, isCut: false };
  const rest = salvage(text);
  if (rest) return { kind: 'members', members: rest, isCut: true };
  return {
    kind: 'nothing',
    what: /^<(!doctype|html|\?xml)/i.test(text) ? 'HTML' : 'a body that is neither JSON nor a form',
  };
}

/** Undoes the content codings (RFC 9110 section 8.4.1), the last one first; a coding that fails leaves the bytes as they are. */
function decodeContent({ body, contentEncoding = '' }: ResponseBody): Uint8Array {
  // Announced, and not done: a raw inflater would take some plain text for a stream.
  const text = decodeText(body);
  if (parseObject(text) ?? parseForm(text)) return body;
  const announced = contentEncoding
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  let bytes = body;
  for (const coding of announced.reverse().slice(0, MAX_CODINGS)) bytes = decode(coding, bytes) ?? bytes;
  // Unannounced, or announced once and done twice: the first bytes tell.
  for (let layers = 0; layers < MAX_CODINGS; layers++) {
    const coding = codingOf(bytes);
    bytes = (coding && decode(coding, bytes)) || bytes;
  }
  return bytes.subarray(0, BODY_MAX_BYTES);
}

function codingOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0x1f && second === 0x8b) return 'gzip';
  if (first === 0x28 && second === 0xb5 && third === 0x2f) return 'zstd';
  // A zlib header: method 8, and a multiple of 31 (RFC 1950 section 2.2).
  const isZlib =
    first !== undefined && second !== undefined && (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  return isZlib ? 'deflate' : undefined;
}

/** `undefined` if the bytes are not of that coding, or if it is unknown. */
function decode(coding: string, bytes: Uint8Array): Uint8Array | undefined {
  // Loaded when there is something to decode: hardly any answer is.
  const zlib = process.getBuiltinModule('node:zlib');
  // What came before a stream was cut off is decoded too.
  const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: DECODED_MAX_BYTES };
  return firstThatWorks(decodersOf(coding, zlib, options), bytes);
}

type Decoder = (bytes: Uint8Array) => Uint8Array;

function decodersOf(coding: string, zlib: typeof Zlib, options: Zlib.ZlibOptions): readonly Decoder[] {
  const { maxOutputLength = 0 } = options;
  switch (coding) {
    case 'gzip':
    case 'x-gzip':
      return [(bytes) => zlib.gunzipSync(bytes, options)];
    case 'deflate':
      // Some servers send it without the zlib header that RFC 9110 wants.
      return [(bytes) => zlib.inflateSync(bytes, options), (bytes) => zlib.inflateRawSync(bytes, options)];
    case 'br':
      return [
        (bytes) =>
          zlib.brotliDecompressSync(bytes, { maxOutputLength, finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH }),
      ];
    case 'zstd':
      // Node 24 has it, Node 20 has not.
      return [(bytes) => zlib.zstdDecompressSync(bytes, { maxOutputLength })];
    default:
      return [];
  }
}

function firstThatWorks(decoders: readonly Decoder[], bytes: Uint8Array): Uint8Array | undefined {
  for (const decoder of decoders) {
    try {
      return decoder(bytes);
    } catch {
      // Not of this coding, or larger than any token answer.
    }
  }
  return undefined;
}

/** UTF-8 unless the bytes say otherwise; then what was announced, else Latin-1. Tokens are ASCII in each of them. */
function decodeText(bytes: Uint8Array, contentType = ''): string {
  const charset = /charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1] ?? '';
  const labels = [wideCharsetOf(bytes), 'utf-8', charset, 'latin1'];
  for (const label of labels) {
    const text = label && decodeAs(label, bytes);
    if (text !== undefined && text !== '') return text.replace(/^[\uFEFF\s\0]+|[\s\0]+$/g, '');
  }
  return '';
}

/** By a byte order mark, or by the zeros beside ASCII. */
function wideCharsetOf([first, second]: Uint8Array): string {
  if (first === undefined || second === undefined) return '';
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? 'utf-16be' : '';
}

function decodeAs(label: string, bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder(label, { fatal: true }).decode(bytes);
  } catch {
    // Another character set, or none that is known. The last one of all decodes everything.
    return undefined;
  }
}

function parseObject(text: string): JsonObject | undefined {
  const json = parseJson(text);
  // JSON in a JSON string: encoded twice.
  const value = typeof json === 'string' ? parseJson(json) : json;
  return isObject(value) ? value : undefined;
}

function parseForm(text: string): JsonObject | undefined {
  const form = text.replace(/^[?#]/, '').replaceAll(';', '&');
  const isForm = /^[\w.-]+=[^<>{}"\n]*$/.test(form) && /(^|&)(access_token|refresh_token|error)=/.test(form);
  return isForm ? Object.fromEntries(new URLSearchParams(form)) : undefined;
}

/** JSON with something before or behind it: a notice of PHP, a guard against script inclusion, a callback. */
function parseEmbedded(text: string): JsonObject | undefined {
  return parseObject(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

const WHOLE_MEMBERS =
  /"(access_token|token_type|refresh_token|expires_in|error)"\s*:\s*("(?:[^"\\]|\\.)*"|\d+(?=\s*[,}]))/g;

/** The members that are whole in JSON that was cut short. */
function salvage(text: string): JsonObject | undefined {
  if (!text.includes('{')) return undefined;
  const members = [...text.matchAll(WHOLE_MEMBERS)].map(([, name = '', value = '']) => [name, parseJson(value)]);
  return members.length === 0 ? undefined : Object.fromEntries(members);
}

export type JsonObject = { readonly [name: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
