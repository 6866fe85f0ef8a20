import type { WebhookConfig } from '../../config/index.ts';

/** How one kind of registry is told to send its events. */
export interface SenderSnippet {
  /** Where it sends them; the secret is in it where the sender can send none otherwise. */
  readonly url: string;
  /** What to do there, in some lines. */
  readonly text: string;
}

/** What a snippet is made of. */
interface Parts {
  readonly url: string;
  readonly secret: string;
  readonly config: Pick<WebhookConfig, 'tokens'>;
}

/** By kind of registry, which is also the name of its event source; those of `config.yml` and `gitlab.rb` are in notification-snippet.ts. */
const SNIPPETS: Readonly<Record<string, (parts: Parts) => SenderSnippet>> = {
  harbor: ({ url, secret }) => ({
    url,
    text: `In Harbor, in each project: Webhooks > New Webhook
  Notify Type: HTTP, Payload Format: Default or CloudEvents
  Event Type: Artifact pushed, Artifact deleted
  Endpoint URL: ${url}
  Auth Header: ${secret}`,
  }),
  acr: ({ url, secret }) => ({
    url,
    text: `az acr webhook create --registry <name> --name twinport --actions push delete \\
  --uri ${url} --headers 'Authorization=${secret}'`,
  }),
  ecr: ({ url, secret }) => ({
    url,
    text: `In EventBridge, in the registry's region:
  a connection of the type API key, name x-api-key, value ${secret}
  an API destination with it: POST ${url}
  a rule for it: {"source": ["aws.ecr"], "detail-type": ["ECR Image Action", "ECR Referrer Action"]}
The commands are in docs/events.md.`,
  }),
  gar: ({ url, config }) => ({
    url,
    text: `gcloud pubsub subscriptions create twinport --topic gcr --push-endpoint ${url} \\
  --push-auth-service-account ${config.tokens?.['gar']?.email ?? '<account>@<project>.iam.gserviceaccount.com'} \\
  --push-auth-token-audience ${config.tokens?.['gar']?.audience ?? url}${config.tokens?.['gar'] ? '' : '\nand the same as webhook.secrets.gar: { audience, email }; without it nothing is taken.'}`,
  }),
  ghcr: ({ url, secret }) => ({
    url,
    text: `On GitHub, in the organization's (or repository's) settings: Webhooks > Add webhook
  Payload URL: ${url}
  Content type: application/json
  Secret: ${secret}
  Events: Registry packages alone`,
  }),
  dockerhub: ({ url, secret }) => {
    const target = `${url}/${inPath(secret)}`;
    return { url: target, text: `On Docker Hub, in each repository: Webhooks > Create\n  Webhook URL: ${target}` };
  },
  quay: ({ url, secret }) => {
    const target = `${url}/${inPath(secret)}`;
    return {
      url: target,
      text: `In Quay, in each repository's settings: Create Notification
  When this event occurs: Push to Repository
  Then issue a notification: Webhook POST
  Webhook URL: ${target}`,
    };
  },
  zot: ({ url, secret }) => ({
    url,
    text: `"extensions": { "events": { "enable": true, "sinks": [
  { "type": "http", "address": "${url}", "timeout": "1s", "credentials": { "token": "${secret}" } }
] } }`,
  }),
  jfrog: ({ url, secret }) => ({
    url,
    text: `In the JFrog Platform: Administration > Webhooks > New Webhook > Predefined
  URL: ${url}
  Events: Docker: tag was pushed, tag was deleted, tag was promoted
  Secret token: ${secret}, with "use secret for payload signing"`,
  }),
};

/**
 * The settings for a registry of that kind, for a webhook at `base`.
 * @param made the secret that was made because none is configured; a configured one is known to whom it must be, and not shown
 * @returns `undefined` for a kind whose snippet is Distribution's or GitLab's, or that sends nothing
 */
export function senderSnippet(kind: string, base: string, config: WebhookConfig, made: string): SenderSnippet | undefined {
  if (!Object.hasOwn(SNIPPETS, kind)) return undefined;
  return SNIPPETS[kind]?.({ url: `${base}/events/${kind}`, secret: secretFor(kind, config, made), config });
}

function secretFor(kind: string, { secret, secrets }: WebhookConfig, made: string): string {
  if (Object.hasOwn(secrets, kind)) return `<webhook.secrets.${kind}>`;
  return secret === undefined ? made : '<webhook.secret>';
}

/** A placeholder stays readable. */
const inPath = (secret: string): string => (secret.startsWith('<') ? secret : encodeURIComponent(secret));
