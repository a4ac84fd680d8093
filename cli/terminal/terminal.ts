import { styleText } from 'node:util';

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
/** Time before progress is shown. */
const QUIET_MS = 1_000;

export type Style = 'bold' | 'dim' | 'green' | 'yellow' | 'red';

/** Streams of one command. */
export interface Output {
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

let output: Output = process;

/** Terminal of the command. Results go to standard output, and everything else to standard error, so that results can be piped. */
export const terminal = {
  connect(streams: Output): void {
    output = streams;
  },

  /** Returns whether the command can prompt. */
  isInteractive: (): boolean => process.stdin.isTTY === true && isTerminal(output.stderr),

  result(text: string): void {
    output.stdout.write(`${text}\n`);
  },

  say(text: string): void {
    output.stderr.write(`${text}\n`);
  },

  /** Styles text, unless NO_COLOR is set or standard output is not a terminal. */
  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: output.stdout });
  },

  /** Shows progress when `work` takes longer than a second. @param what text, which may change meanwhile */
  async progress<T>(what: string | (() => string), work: Promise<T>): Promise<T> {
    const stop = showProgress(typeof what === 'string' ? () => what : what);
    try {
      return await work;
    } finally {
      stop();
    }
  },
};

function showProgress(what: () => string): () => void {
  const startedMs = performance.now();
  if (!isTerminal(output.stderr)) {
    const timer = setTimeout(() => terminal.say(`${what()} …`), QUIET_MS);
    return () => clearTimeout(timer);
  }
  let frame = 0;
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedMs;
    if (elapsedMs < QUIET_MS) return;
    frame += 1;
    output.stderr.write(`\r\u001b[2K${FRAMES[frame % FRAMES.length]} ${what()} … ${Math.floor(elapsedMs / 1000)} s`);
  }, FRAME_MS);
  return () => {
    clearInterval(timer);
    if (frame > 0) output.stderr.write('\r\u001b[2K');
  };
}

function isTerminal(stream: NodeJS.WritableStream): boolean {
  return 'isTTY' in stream && stream.isTTY === true;
}
