import * as z from 'zod';
import type { LambdaProcess } from '../lambda/lambda-process.ts';
import type { Sandbox } from '../sandbox.ts';
import { narrate } from './narrate.ts';
import type { Screen } from './screen.ts';

const result = z.object({ outcome: z.string(), message: z.string(), retryAt: z.string().optional() });

/** Result of one invocation, counted by the stand-ins. */
export interface Tick {
  /** The outcome, or the code of the error. */
  readonly ending: string;
  readonly retryAt: string | undefined;
  /** Names of the AWS operations, in the order of their arrival. */
  readonly operations: readonly string[];
  readonly postCount: number;
  /** `detail-type` of each event that reached the bus. */
  readonly events: readonly string[];
}

/** Runs the function, prints what the stand-ins recorded, and checks each claim. */
export class StoryLog {
  readonly sandbox: Sandbox;
  readonly #lambda: LambdaProcess;
  readonly #screen: Screen;
  #hasAllHappened = true;

  constructor(sandbox: Sandbox, lambda: LambdaProcess, screen: Screen) {
    this.sandbox = sandbox;
    this.#lambda = lambda;
    this.#screen = screen;
  }

  get hasAllHappened(): boolean {
    return this.#hasAllHappened;
  }

  async tick(heading: string, event: object = {}): Promise<Tick> {
    const { aws, tokenEndpoint } = this.sandbox;
    const [callCount, postCount] = [aws.calls.length, tokenEndpoint.requests.length];
    const eventCount = aws.eventBridge.events.length;
    const invocation = await this.#lambda.invoke(event);
    const calls = aws.calls.slice(callCount);
    const posts = tokenEndpoint.requests.slice(postCount);

    this.#screen.heading(heading);
    for (const [label, text] of narrate(calls, posts, event)) this.#screen.line(label, text);
    const seen = {
      operations: calls.map(({ operation }) => operation),
      postCount: posts.length,
      events: aws.eventBridge.events.slice(eventCount).map(({ detailType }) => detailType),
    };
    if (invocation.kind === 'ended') throw new Error('The process of the function ended.');
    if (invocation.kind === 'error') {
      const { errorType, errorMessage } = invocation;
      this.#screen.line('error', `${errorType}: ${errorMessage}`);
      return { ...seen, ending: errorType, retryAt: undefined };
    }
    const { outcome, message, retryAt } = result.parse(invocation.result);
    this.#screen.line('result', `${outcome}: ${message}${retryAt === undefined ? '' : ` retryAt ${retryAt}`}`);
    return { ...seen, ending: outcome, retryAt };
  }

  heading(text: string): void {
    this.#screen.heading(text);
  }

  /** Prints a claim; one that is not true makes the whole story fail. */
  check(sentence: string, isTrue: boolean): void {
    this.#hasAllHappened &&= isTrue;
    this.#screen.check(sentence, isTrue);
  }
}
