import * as z from 'zod';

/** Attributes of deployed resources: `Ref` under the id, `Fn::GetAtt` under `id.attribute`. */
export type Attributes = Readonly<Record<string, string>>;

const ref = z.strictObject({ Ref: z.string() });
const getAtt = z.strictObject({ 'Fn::GetAtt': z.tuple([z.string(), z.string()]) });
const join = z.strictObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) });
const intrinsic = z.union([z.string(), ref, getAtt, join]);

/**
 * The text that CloudFormation would make of a value in a template.
 *
 * @throws Error for an intrinsic function or a resource that is not known here
 */
export function resolveText(value: unknown, attributes: Attributes): string {
  const parsed = intrinsic.parse(value);
  if (typeof parsed === 'string') return parsed;
  if ('Fn::Join' in parsed) {
    const [delimiter, parts] = parsed['Fn::Join'];
    return parts.map((part) => resolveText(part, attributes)).join(delimiter);
  }
  const name = 'Ref' in parsed ? parsed.Ref : parsed['Fn::GetAtt'].join('.');
  const text = attributes[name];
  if (text === undefined) throw new Error(`no resource is known as ${name}`);
  return text;
}
