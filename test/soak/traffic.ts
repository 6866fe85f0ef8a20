import { setTimeout as sleep } from 'node:timers/promises';
import { deleteManifest, pushCosign, pushImage, pushIndex, pushManifest, pushReferrer, type Pushed } from '../support/images.ts';
import type { Draw } from '../support/random.ts';

const REPOSITORIES = ['team/app', 'team/web', 'team/tools/cli', 'base'];
const TAGS = ['latest', 'edge', 'v1', 'v2', 'v3', 'v4'];

/** How often what was done at the primary. */
export type Told = Record<'images' | 'indexes' | 'moves' | 'referrers' | 'signatures' | 'deletions', number>;

interface Held extends Pushed {
  readonly bytes?: Uint8Array;
}

/** People at work at a primary: pushes, moves of tags, deletions, one after the other, with a rest in between. */
export class Traffic {
  readonly told: Told = { images: 0, indexes: 0, moves: 0, referrers: 0, signatures: 0, deletions: 0 };
  private readonly url: string;
  private readonly draw: Draw;
  private readonly held = new Map<string, Held>();
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
    this.held.set(`${repository}:${tag}`, await pushImage(this.url, repository, tag, { layers, label: seed }));
    this.told.images += 1;
  }

  private async pushIndex(repository: string, tag: string): Promise<void> {
    const annotations = { 'org.example.soak': `${this.serial++}` };
    this.held.set(`${repository}:${tag}`, await pushIndex(this.url, repository, tag, { annotations }));
    this.told.indexes += 1;
  }

  /** To what another tag of the repository holds, as `latest` follows a version. */
  private async move(repository: string, tag: string): Promise<void> {
    const other = this.held.get(`${repository}:${this.draw.one(TAGS)}`);
    if (!other?.bytes) return;
    await pushManifest(this.url, repository, tag, other.bytes, other.mediaType);
    this.held.set(`${repository}:${tag}`, other);
    this.told.moves += 1;
  }

  private async delete(repository: string, tag: string): Promise<void> {
    await deleteManifest(this.url, repository, tag);
    this.held.delete(`${repository}:${tag}`);
    this.told.deletions += 1;
  }
}
