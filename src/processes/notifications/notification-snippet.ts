/** What registries are configured with, so that they tell us of pushes. */
export interface Snippets {
  /** Where GitLab's registry sends events: the path that Geo uses. */
  readonly gitlabUrl: string;
  readonly distributionUrl: string;
  /** For `gitlab.rb`. */
  readonly gitlab: string;
  /** For the registry's `config.yml`. */
  readonly distribution: string;
}

/** The notification settings for a webhook at `url`. */
export function notificationSnippets(url: string, secret: string): Snippets {
  const gitlabUrl = `${url}/api/v4/container_registry_event/events`;
  const distributionUrl = `${url}/events/distribution`;
  return {
    gitlabUrl,
    distributionUrl,
    gitlab: `registry['notifications'] = [
  {
    'name' => 'geo_event',
    'url' => '${gitlabUrl}',
    'timeout' => '500ms',
    'threshold' => 5,
    'backoff' => '1s',
    'headers' => { 'Authorization' => ['${secret}'] }
  }
]`,
    distribution: `notifications:
  endpoints:
    - name: twinport
      url: ${distributionUrl}
      timeout: 500ms
      threshold: 5
      backoff: 1s
      headers: { Authorization: [${secret}] }
      ignoredmediatypes: [application/octet-stream]
      ignore: { actions: [pull] }`,
  };
}
