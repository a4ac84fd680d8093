import { environment } from '../environment.ts';
import { askHidden, askText } from '../terminal/ask.ts';

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

const WHERE = 'It is at app.retently.com/settings/oauth.';
const INSTEAD = 'Set RETENTLY_CLIENT_ID and RETENTLY_CLIENT_SECRET, or run the command in a terminal.';

/** From the environment, else from the secret, else asked for. Never from an option: a shell keeps those. */
export async function findClientCredentials(known: {
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
}): Promise<ClientCredentials> {
  const clientId =
    environment.clientId() ?? known.client_id ?? (await askText(`Client ID of the application (${WHERE})`, INSTEAD));
  const isKnown = clientId === known.client_id;
  const clientSecret =
    environment.clientSecret() ??
    // The secret's own belongs to its own application.
    (isKnown ? known.client_secret : undefined) ??
    (await askHidden('Its Client Secret (not shown):', INSTEAD));
  return { clientId, clientSecret };
}
