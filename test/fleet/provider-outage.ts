import type { TokenAnswer, TokenEndpoint } from '../../lambda/core/ports.ts';
import { AMBIGUOUS, NOT_SENT } from '../support/fake-token-endpoint.ts';
import type { FleetWorld } from './fleet-account.ts';
import type { FleetCalendar } from './fleet-calendar.ts';

/** An account's token endpoint, unless the provider is out for all of them. */
export class EndpointWithOutage implements TokenEndpoint {
  readonly #world: FleetWorld;
  readonly #calendar: FleetCalendar;
  readonly #endpoint: TokenEndpoint;

  constructor(world: FleetWorld, calendar: FleetCalendar, endpoint: TokenEndpoint) {
    this.#world = world;
    this.#calendar = calendar;
    this.#endpoint = endpoint;
  }

  async requestToken(...[grant, timeoutMs]: Parameters<TokenEndpoint['requestToken']>): Promise<TokenAnswer> {
    const { timeline, random } = this.#world;
    if (this.#calendar.isOut('provider', timeline.nowMs)) {
      await timeline.wait(random(50, 200));
      return NOT_SENT;
    }
    if (this.#calendar.isOut('answers', timeline.nowMs)) {
      await timeline.wait(timeoutMs);
      return AMBIGUOUS;
    }
    return await this.#endpoint.requestToken(grant, timeoutMs);
  }
}
