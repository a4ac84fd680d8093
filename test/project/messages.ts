import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EXIT } from '../../cli/command-error.ts';
import { ROOT } from './documents.ts';
import { MessageSource, type Node } from './message-source.ts';

/** Page that lists the error messages. */
export const PAGE_OF_MESSAGES = 'docs/reference.md';

const START = '<!-- messages: npm run docs:messages -->\n';
const END = '<!-- end of messages -->';

// Of `infra/bundle`, only this file runs in a user's app.
const IS_SHIPPED = /^(?!bundle\/(?!bundled-code)).*\.ts$/;

export interface Message {
  readonly code: string;
  /** The parts in braces depend on the situation. */
  readonly text: string;
}

/** Returns every message of an error or a warning, as the source code builds it. */
export function messages(): readonly Message[] {
  const functions = new Messages('lambda');
  const commands = new Messages('cli');
  const stacks = new Messages('infra');
  const all = [
    ...functions.of(/^(Fault|RecordedFailure)$/, (code) => (/^[A-Z_]+$/.test(code) ? code : 'code of the cause')),
    ...functions.advice(),
    ...commands.of(/^CommandError$/, toExitCode),
    ...commands.of(/^InvalidArgumentError$/, () => toExitCode('{unable}')),
    ...stacks.of(/^Error$/, () => 'synthesis'),
    ...stacks.of(/^addWarningV2$/, (id) => `synthesis warning \`${id}\``),
    ...stacks.requirements(),
  ];
  const unique = new Map(all.map((message) => [`${message.code} ${message.text}`, message]));
  return [...unique.values()].sort((one, other) => one.code.localeCompare(other.code, 'en', { numeric: true }));
}

/** Returns the page with the list of all messages between its marks. */
export function withMessages(page: string): string {
  const [before, rest] = page.split(START);
  const [, after] = rest?.split(END) ?? [];
  if (before === undefined || after === undefined)
    throw new Error(`${PAGE_OF_MESSAGES} has no marks for the messages.`);
  const rows = messages().map(({ code, text }) => `| ${code} | ${text.replaceAll(/[|<]/g, '\\$&')} |`);
  return `${before}${START}| code | message |\n|---|---|\n${rows.join('\n')}\n${END}${after}`;
}

function toExitCode(code: string): string {
  const found = Object.entries(EXIT).find(([name]) => `{${name}}` === code);
  return found === undefined ? code : `exit code ${found[1]}`;
}

/** Messages in the source files of one folder. */
class Messages {
  readonly #sources: readonly MessageSource[];
  /** Texts of constants, and of what functions return. */
  readonly #shared: ReadonlyMap<string, readonly string[]>;

  constructor(folder: string) {
    const directory = join(ROOT, folder);
    const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((path) => IS_SHIPPED.test(path));
    this.#sources = paths.sort().map((path) => new MessageSource(readFileSync(join(directory, path), 'utf8')));
    this.#shared = new Map(this.#sources.flatMap((source) => [...source.functions(), ...source.constants()]));
  }

  /** Returns the messages of errors or warnings that get a code and a text, or a text only. */
  of(name: RegExp, toCode: (code: string) => string): readonly Message[] {
    return this.#sources.flatMap((source) =>
      source.calls(name).flatMap((given) => {
        const [first, second] = given.map((node) => this.#textsOf(source, node));
        const [codes, texts] = second === undefined ? [[''], first] : [first, second];
        return (codes ?? []).flatMap((code) => (texts ?? []).map((text) => ({ code: toCode(code), text })));
      }),
    );
  }

  /** Returns the messages of failed attempts, by their cause. */
  advice(): readonly Message[] {
    return this.#sources.flatMap((source) =>
      source.members('advice').flatMap(([cause, node]) => {
        const code =
          cause === 'ambiguous' ? 'PROVIDER_AMBIGUOUS' : /^[a-z-]+$/.test(cause) ? 'PROVIDER_UNAVAILABLE' : cause;
        return this.#textsOf(source, node).map((text) => ({ code, text: `{reason}. ${text}` }));
      }),
    );
  }

  /** Returns the messages about options, whose requirements complete one sentence. */
  requirements(): readonly Message[] {
    return this.#sources.flatMap((source) =>
      source
        .strings(/^(be|contain|differ|have|leave) \w+ ./)
        .flatMap((node) => this.#textsOf(source, node))
        .map((text) => ({ code: 'synthesis', text: `{option} is {value}, but must ${text}.` })),
    );
  }

  #textsOf(source: MessageSource, node: Node): readonly string[] {
    return source.textsOf(node, (name) => this.#shared.get(name));
  }
}
