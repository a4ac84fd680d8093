import { environment } from '../environment.ts';
import { askHidden, askText } from '../terminal/ask.ts';

export interface ClientCredentials {
  readonly clientId: string;
  readonly clientSecret: string;
}

const WHERE = 'It is at app.retently.com/settings/oauth.';
const INSTEAD = 'Set RETENTLY_CLIENT_ID and RETENTLY_CLIENT_SECRET, or run the command in a terminal.';

/** Returns the client credentials from the environment, the secret, or a prompt. There is no option, because shells record options. */
export async function findClientCredentials(known: {
  readonly client_id?: string | undefined;
  readonly client_secret?: string | undefined;
}): Promise<ClientCredentials> {
  const clientId =
    environment.clientId() ?? known.client_id ?? (await askText(`Client ID of the application (${WHERE})`, INSTEAD));
  const isKnown = clientId === known.client_id;
  const clientSecret =
    environment.clientSecret() ??
    // The client secret in the secret belongs to the client id in the secret.
    (isKnown ? known.client_secret : undefined) ??
    (await askHidden('Client Secret of the application (not shown):', INSTEAD));
  return { clientId, clientSecret };
}
