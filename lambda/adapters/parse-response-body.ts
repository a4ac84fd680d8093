import type * as Zlib from 'node:zlib';
import { parseJson } from '../contract.ts';
import { RESPONSE_MAX_BYTES } from '../core/response-buffer.ts';

/** Maximum number of content codings to undo. Only an attacker nests more. */
const MAX_CODINGS = 3;

/** Body of an HTTP response, or the beginning of a body that was cut short or is too long. */
export interface ResponseBody {
  readonly body: Uint8Array;
  /** A limit of ours cut the body. */
  readonly isTruncated?: boolean | undefined;
  readonly contentEncoding?: string | undefined;
  readonly contentType?: string | undefined;
}

/** The members of an answer, or what the body is instead. `isCut`: a refresh token may be in a part that is missing or unreadable. */
export type ParsedBody = (
  | { readonly kind: 'members'; readonly members: JsonObject; readonly isCut: boolean }
  | { readonly kind: 'nothing'; readonly what: 'an empty body' | 'HTML' | 'a body that is neither JSON nor a form' }
) & {
  /** A limit of ours cut the body, before or after it was decoded: the same answer would be cut again. */
  readonly isTruncated?: boolean;
};

/**
 * Reads an answer however it is wrapped, because it may have cost a refresh token. Handles content codings (announced, or
 * shown by their first bytes), character sets, byte order marks, form encoding, text around the JSON, and JSON that was cut
 * short. Never throws, and the result quotes only the members.
 */
export function parseResponseBody(response: ResponseBody): ParsedBody {
  const { bytes, isTruncated } = decodeContent(response);
  const text = decodeText(bytes, response.contentType);
  return { ...parseText(text, isTruncated, response.contentType), ...(isTruncated && { isTruncated }) };
}

function parseText(text: string, isTruncated: boolean, contentType = ''): ParsedBody {
  if (text === '') return { kind: 'nothing', what: 'an empty body' };
  const whole = parseObject(text) ?? parseForm(text, isTruncated);
  if (whole) return { kind: 'members', members: whole, isCut: false };
  const isPage = isHtml(text, contentType);
  // Objects in the scripts of a page are not an answer, unless they have tokens.
  const isAnswer = (members: JsonObject) => !isPage || TOKENS.test(JSON.stringify(members));
  const embedded = parseEmbedded(text);
  if (embedded && isAnswer(embedded)) return { kind: 'members', members: embedded, isCut: false };
  const rest = salvage(text);
  if (rest && isAnswer(rest.members)) return { kind: 'members', ...rest };
  return { kind: 'nothing', what: isPage ? 'HTML' : 'a body that is neither JSON nor a form' };
}

const TOKENS = /"(access_token|refresh_token)"/;

/** A PHP notice before JSON that was cut short is not a page, nor is JSON or a form that is announced as HTML. */
function isHtml(text: string, contentType: string): boolean {
  if (/^(<!--.*?-->\s*)*<(!doctype|html|head|body|\?xml)/is.test(text)) return true;
  const isAnnounced = /^\s*(text\/html|application\/xhtml)/i.test(contentType);
  return (text.startsWith('<') && !text.includes('{')) || (isAnnounced && !/[{=]/.test(text));
}

interface Decoded {
  readonly bytes: Uint8Array;
  readonly isTruncated: boolean;
}

/** Undoes the content codings (RFC 9110 section 8.4.1), the last one first; a coding that fails leaves the bytes as they are. */
function decodeContent({ body, contentEncoding = '', isTruncated = false }: ResponseBody): Decoded {
  // The coding may be announced but not applied: a raw inflater would take some plain text for a stream.
  const text = decodeText(body);
  let decoded: Decoded = { bytes: body, isTruncated };
  if (parseObject(text) ?? parseForm(text, isTruncated)) return decoded;
  const announced = contentEncoding
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean);
  for (const coding of announced.reverse().slice(0, MAX_CODINGS)) decoded = decode(coding, decoded);
  // The coding may be unannounced, or announced once and applied twice: the first bytes show it.
  for (let layers = 0; layers < MAX_CODINGS; layers++) decoded = decode(codingOf(decoded.bytes), decoded);
  return decoded;
}

function codingOf([first, second, third]: Uint8Array): string | undefined {
  if (first === 0x1f && second === 0x8b) return 'gzip';
  if (first === 0x28 && second === 0xb5 && third === 0x2f) return 'zstd';
  // A zlib header: method 8, and a multiple of 31 (RFC 1950 section 2.2).
  const isZlib =
    first !== undefined && second !== undefined && (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  return isZlib ? 'deflate' : undefined;
}

/** Returns the bytes as they are if they are not of that coding, or if it is unknown. */
function decode(coding: string | undefined, encoded: Decoded): Decoded {
  if (coding === undefined) return encoded;
  // Loaded only if there is something to decode, which is rare.
  const zlib = process.getBuiltinModule('node:zlib');
  // What came before a stream was cut off is decoded too.
  const options = { finishFlush: zlib.constants.Z_SYNC_FLUSH, maxOutputLength: RESPONSE_MAX_BYTES };
  for (const decoder of decodersOf(coding, zlib, options)) {
    const bytes = tryDecode(decoder, encoded.bytes);
    if (bytes instanceof Uint8Array) return { ...encoded, bytes };
    if (bytes === 'too large') return { bytes: decodeBeginning(decoder, encoded.bytes), isTruncated: true };
  }
  return encoded;
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
      // Node 24 has it, Node 20 does not.
      return [(bytes) => zlib.zstdDecompressSync(bytes, { maxOutputLength })];
    default:
      return [];
  }
}

function tryDecode(decoder: Decoder, bytes: Uint8Array): Uint8Array | 'too large' | 'of another coding' {
  try {
    return decoder(bytes);
  } catch (error) {
    const isTooLarge = error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return isTooLarge ? 'too large' : 'of another coding';
  }
}

/** Decodes the longest beginning that stays within the limit: the tokens may be in it. */
function decodeBeginning(decoder: Decoder, bytes: Uint8Array): Uint8Array {
  let decoded: Uint8Array = Buffer.of();
  for (let fits = 0, exceeds = bytes.length; exceeds - fits > 1; ) {
    const middle = Math.floor((fits + exceeds) / 2);
    const beginning = tryDecode(decoder, bytes.subarray(0, middle));
    if (beginning === 'too large') exceeds = middle;
    else fits = middle;
    if (beginning instanceof Uint8Array) decoded = beginning;
  }
  return decoded;
}

/** Decodes UTF-8, or else the announced character set, or else Latin-1. Tokens are ASCII in each of them. */
function decodeText(bytes: Uint8Array, contentType = ''): string {
  const charset = /charset\s*=\s*"?([\w.:-]+)/i.exec(contentType)?.[1] ?? '';
  const labels = [wideCharsetOf(bytes), 'utf-8', charset, 'latin1'];
  for (const label of labels) {
    const text = label && decodeAs(label, bytes);
    if (text !== undefined && text !== '') return trim(text);
  }
  return '';
}

/** Removes white space, zeros and a byte order mark. A regular expression for the end would take hours for a mebibyte of spaces. */
function trim(text: string): string {
  let end = text.length;
  while (end > 0 && /[\s\0]/.test(text.charAt(end - 1))) end--;
  return text.slice(0, end).replace(/^[\uFEFF\s\0]+/, '');
}

/** Recognizes UTF-16 by a byte order mark, or by the zeros beside ASCII. */
function wideCharsetOf([first, second]: Uint8Array): string {
  if (first === undefined || second === undefined) return '';
  if ((first === 0xff && second === 0xfe) || (first !== 0 && second === 0)) return 'utf-16le';
  return (first === 0xfe && second === 0xff) || (first === 0 && second !== 0) ? 'utf-16be' : '';
}

function decodeAs(label: string, bytes: Uint8Array): string | undefined {
  try {
    // As a stream: a character that was cut at the end is left out, and is no reason for another character set.
    return new TextDecoder(label, { fatal: true }).decode(bytes, { stream: true });
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

/** Drops the last member of a form that was cut: it is not whole. */
function parseForm(text: string, isTruncated: boolean): JsonObject | undefined {
  const pairs = text.replace(/^[?#]/, '').replaceAll(';', '&');
  const form = isTruncated ? pairs.slice(0, Math.max(0, pairs.lastIndexOf('&'))) : pairs;
  const isForm = /^[\w.-]+=[^<>{}"\n]*$/.test(form) && /(^|&)(access_token|refresh_token|error)=/.test(form);
  return isForm ? Object.fromEntries(new URLSearchParams(form)) : undefined;
}

/** Parses JSON with text before or after it: a PHP notice, a guard against script inclusion, a callback. */
function parseEmbedded(text: string): JsonObject | undefined {
  return parseObject(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1));
}

const WHOLE_MEMBERS =
  /"(access_token|token_type|refresh_token|expires_in|refresh_token_expires_in|error)"\s*:\s*("[^"\\]*(?:\\.[^"\\]*)*"|(?:\d+|null)(?=\s*[,}]))/g;
/** Objects that repeat what was sent. */
const ECHOED_OBJECTS = /"(?:request|params|input|headers|query)"\s*:\s*\{[^{}]*\}/g;

/** Returns the complete members of JSON that was cut short, or that is not quite JSON, for example with an extra comma. */
function salvage(text: string): { readonly members: JsonObject; readonly isCut: boolean } | undefined {
  if (!text.includes('{')) return undefined;
  const answer = text.replace(ECHOED_OBJECTS, '');
  const matches = [...answer.matchAll(WHOLE_MEMBERS)];
  if (matches.length === 0) return undefined;
  const members = Object.fromEntries(matches.map(([, name = '', value = '']) => [name, parseJson(value)]));
  const isUnread = /refresh_token\b/.test(answer) && members['refresh_token'] === undefined;
  return { members, isCut: isUnread || !isClosed(answer) };
}

/** Returns whether every brace outside the strings is closed. An open string at the end never is. */
function isClosed(text: string): boolean {
  const braces = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"?/gs, '').replace(/[^{}]/g, '');
  return braces.replaceAll('{', '').length * 2 === braces.length;
}

export type JsonObject = { readonly [name: string]: unknown };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
