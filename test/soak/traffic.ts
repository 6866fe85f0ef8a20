import { setTimeout as sleep } from 'node:timers/promises';
import { deleteManifest, pushCosign, pushImage, pushIndex, pushManifest, pushReferrer, type Pushed } from '../support/images.ts';
import type { Draw } from '../support/random.ts';

const REPOSITORIES = ['team/app', 'team/web', 'team/tools/cli', 'base'];
const COMPANION = /^sha256-[0-9a-f]{64}/;
const TAGS = ['latest', 'edge', 'v1', 'v2', 'v3', 'v4'];

/** How often what was done at the primary. */
export type Told = Record<'images' | 'indexes' | 'moves' | 'referrers' | 'signatures' | 'deletions', number>;

interface Held extends Pushed {
  readonly bytes: Uint8Array;
}

/** People at work at a primary: pushes, moves of tags, deletions, one after the other, with a rest in between. */
export class Traffic {
  readonly told: Told = { images: 0, indexes: 0, moves: 0, referrers: 0, signatures: 0, deletions: 0 };
  private readonly url: string;
  private readonly draw: Draw;
  private readonly held = new Map<string, Held>();
  /** What each tag held, one after the other; `undefined`: it was deleted. What failed may have happened all the same. */
  private readonly history = new Map<string, (string | undefined)[]>();
  private serial = 0;

  constructor(url: string, draw: Draw) {
    this.url = url;
    this.draw = draw;
  }

  /** Until told to stop. */
  async run(stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      // The primary is restarted now and then: what people do then, they do again.
      await this.step().catch(() => undefined);
      await sleep(this.draw.between(50, 900));
    }
  }

  /** Whether a tag held `second` (`undefined`: was gone) at some time after it held `first`. */
  follows(repository: string, tag: string, first: string, second: string | undefined): boolean {
    // Of a digest's companions, what lists its referrers and its signature are overwritten, and never go.
    if (COMPANION.test(tag)) return second !== undefined;
    const history = this.history.get(`${repository}:${tag}`) ?? [];
    const began = history.indexOf(first);
    return began >= 0 && history.lastIndexOf(second) > began;
  }

  private async step(): Promise<void> {
    const repository = this.draw.one(REPOSITORIES);
    const tag = this.draw.one(TAGS);
    const dice = this.draw.between(0, 1);
    const held = this.held.get(`${repository}:${tag}`);
    if (dice < 0.45 || !held) await this.pushImage(repository, tag);
    else if (dice < 0.55) await this.pushIndex(repository, tag);
    else if (dice < 0.7) await this.move(repository, tag);
    else if (dice < 0.8) {
      await pushReferrer(this.url, repository, held, { artifactType: `application/vnd.example.soak-${this.serial++}` });
      this.told.referrers += 1;
    } else if (dice < 0.85) {
      await pushCosign(this.url, repository, held, { seed: `signature ${this.serial++}` });
      this.told.signatures += 1;
    } else await this.delete(repository, tag);
  }

  private async pushImage(repository: string, tag: string): Promise<void> {
    const seed = `soak ${this.serial++}`;
    const size = this.draw.chance(0.06) ? 6_000_000 : Math.floor(this.draw.between(500, 120_000));
    const layers = [
      { seed: 'base', size: 50_000 },
      { seed, size },
    ];
    await this.put(repository, tag, await pushImage(this.url, repository, tag, { layers, label: seed, untagged: true }));
    this.told.images += 1;
  }

  private async pushIndex(repository: string, tag: string): Promise<void> {
    const annotations = { 'org.example.soak': `${this.serial++}` };
    await this.put(repository, tag, await pushIndex(this.url, repository, tag, { annotations, untagged: true }));
    this.told.indexes += 1;
  }

  /** To what another tag of the repository holds, as `latest` follows a version. */
  private async move(repository: string, tag: string): Promise<void> {
    const other = this.held.get(`${repository}:${this.draw.one(TAGS)}`);
    if (!other) return;
    await this.put(repository, tag, other);
    this.told.moves += 1;
  }

  private async put(repository: string, tag: string, held: Held): Promise<void> {
    this.remember(repository, tag, held.digest);
    await pushManifest(this.url, repository, tag, held.bytes, held.mediaType);
    this.held.set(`${repository}:${tag}`, held);
  }

  private async delete(repository: string, tag: string): Promise<void> {
    this.remember(repository, tag, undefined);
    await deleteManifest(this.url, repository, tag);
    this.held.delete(`${repository}:${tag}`);
    this.told.deletions += 1;
  }

  private remember(repository: string, tag: string, digest: string | undefined): void {
    const name = `${repository}:${tag}`;
    this.history.set(name, [...(this.history.get(name) ?? []), digest]);
  }
}
