import { afterAll } from '@jest/globals';
import { startRegistry, type EmbeddedRegistry, type RegistryOptions } from '../../src/processes/embedded/registry.ts';

const running: EmbeddedRegistry[] = [];

/** For `auth: { type: 'htpasswd', users: [TEST_USER.line] }`; Distribution takes bcrypt alone, which Node has not. */
export const TEST_USER = {
  username: 'twinport',
  password: 'correct-horse',
  line: 'twinport:$2b$04$RKStLmwjJgU5YMMM0.ZNruo1wDAZOTuN0hmWCfipUtEcVvVuaBjXe',
  basic: `Basic ${Buffer.from('twinport:correct-horse').toString('base64')}`,
} as const;

/** Starts a registry that is stopped, and its folder removed, at the end of the test file. */
export async function testRegistry(options: RegistryOptions): Promise<EmbeddedRegistry> {
  const registry = await startRegistry(options);
  running.push(registry);
  return registry;
}

afterAll(async () => {
  await Promise.all(running.splice(0).map((registry) => registry.stop(500)));
});
