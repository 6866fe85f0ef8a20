import type { Difference } from '../../src/model/failure.ts';
import { formatBytes } from '../../src/model/text.ts';
import type { ImageAnswer } from '../../src/processes/starter/api/images.ts';
import { doToImages, IMAGE_DEEDS } from '../deeds.ts';
import { live } from '../live.ts';
import { FailureLine } from '../parts/failure-line.tsx';
import { Badge } from '../parts/mark.tsx';
import { When } from '../parts/when.tsx';
import { escapedPath, to } from '../path.ts';
import { useRead, useTick } from '../use-read.ts';
import { stateOf } from '../words.ts';

const EVERY_MS = 3_000;

/** One image: both sides, what differs, how it came about, and what can be done. */
export function Image({ site, reference }: { readonly site: string; readonly reference: string }) {
  const path = `/sites/${encodeURIComponent(site)}/images/${escapedPath(reference)}`;
  const { value: image, failure, again } = useRead<ImageAnswer>(path, `${useTick(EVERY_MS)} ${live.use().link}`);
  return (
    <>
      <p class="path">
        <a href={to.sites}>Sites</a> / <a href={to.images(site)}>{site}</a>
      </p>
      <h1 tabIndex={-1}>
        <code>{reference}</code>
      </h1>
      <FailureLine failure={failure} />
      {image && (
        <>
          <State image={image} />
          <div class="buttons">
            {IMAGE_DEEDS.map((deed) => (
              <button key={deed.verb} type="button" onClick={() => void doToImages(deed, site, [reference]).then(again)}>
                {deed.verb}
              </button>
            ))}
            <a class="button" href={to.images(site, { repository: image.repository })}>
              All of this repository
            </a>
          </div>
          <Sides image={image} />
          <Facts image={image} />
          <History image={image} />
          <Referrers image={image} />
          <Workflows image={image} />
        </>
      )}
    </>
  );
}

function State({ image }: { readonly image: ImageAnswer }) {
  const { reason, difference, deletion, move } = image;
  const { word, tone } = stateOf(image);
  return (
    <section class={`card ${tone}`}>
      <p class="reason">
        <Badge tone={tone} word={word} /> {reason}
      </p>
      {difference && <DifferenceWords {...difference} />}
      {deletion && (
        <p>
          Its deletion is {deletion.state}: {deletion.reason ?? 'nothing more is known'}. <a href={to.held}>To what is held</a>
        </p>
      )}
      {move && (
        <p>
          Its move is {move.state}: {move.reason ?? 'nothing more is known'}. <a href={to.held}>To what is held</a>
        </p>
      )}
    </section>
  );
}

function DifferenceWords({ what, repository, reference, want, have, remedy }: Difference) {
  const content = ({ digest, size }: NonNullable<Difference['have']>): string =>
    [digest, size === undefined ? undefined : `${size} bytes`].filter((part) => part !== undefined).join(', ') || 'something';
  return (
    <div class="difference">
      <p>
        The {what}{' '}
        <code>
          {repository}
          {what === 'tag' ? ':' : '@'}
          {reference}
        </code>{' '}
        should be <code>{content(want)}</code>, and at the site{' '}
        {have === null ? (
          'there is nothing'
        ) : (
          <>
            is <code>{content(have)}</code>
          </>
        )}
        .
      </p>
      <p>
        <strong>What helps:</strong> {remedy}
      </p>
    </div>
  );
}

/** Both sides' digests, next to each other: equal, or not. */
function Sides({ image }: { readonly image: ImageAnswer }) {
  const { primary, secondary } = image;
  const known = primary.digest !== null && secondary.digest !== null;
  const equal = known && primary.digest === secondary.digest;
  return (
    <section class="sides">
      <div>
        <h2>Primary</h2>
        <code>{primary.digest ?? 'not known'}</code>
        <p class="soft">
          looked at <When at={primary.lookedAt} />
        </p>
      </div>
      <p class={`between ${equal ? 'good' : known ? 'bad' : 'soft'}`}>{equal ? '= the same' : known ? '≠ not the same' : '? not known'}</p>
      <div>
        <h2>This site</h2>
        <code>{secondary.digest ?? 'not known'}</code>
        <p class="soft">
          read back <When at={secondary.verifiedAt} />
        </p>
      </div>
    </section>
  );
}

function Facts({ image }: { readonly image: ImageAnswer }) {
  const { attempts, bytes, changedAt, receivedAt, missingSince, outOfScope } = image;
  return (
    <dl class="pairs">
      <dt>Size</dt>
      <dd>{bytes === null ? 'not known' : formatBytes(bytes)}</dd>
      <dt>Attempts</dt>
      <dd>{attempts}</dd>
      <dt>Event received</dt>
      <dd>{receivedAt === null ? 'none: a scan found it' : <When at={receivedAt} />}</dd>
      {changedAt !== null && (
        <>
          <dt>Changed and not verified since</dt>
          <dd>
            <When at={changedAt} />
          </dd>
        </>
      )}
      {missingSince !== null && (
        <>
          <dt>Gone at the primary</dt>
          <dd>
            <When at={missingSince} />
          </dd>
        </>
      )}
      {outOfScope && (
        <>
          <dt>Filters</dt>
          <dd>leave it out now</dd>
        </>
      )}
    </dl>
  );
}

function History({ image: { history } }: { readonly image: ImageAnswer }) {
  return (
    <section>
      <h2>What the tag stood for</h2>
      {history.length === 0 && <p class="soft">It has not been moved here.</p>}
      <ol class="history">
        {history.map(({ at, from, to: until }) => (
          <li key={`${at} ${from ?? ''}`}>
            <When at={at} /> <code>{from ?? 'nothing'}</code> → <code>{until ?? 'deleted'}</code>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Referrers({ image: { referrers, referrerCount } }: { readonly image: ImageAnswer }) {
  const more = (referrerCount ?? 0) - (referrers?.length ?? 0);
  return (
    <section>
      <h2>What refers to it</h2>
      {referrers === null && <p class="soft">Not recorded: it is with the next verification.</p>}
      {referrers?.length === 0 && <p class="soft">Nothing: no signature, no SBOM.</p>}
      <ul class="plain">
        {referrers?.map(({ digest, artifactType, tag }) => (
          <li key={`${tag} ${digest}`}>
            {tag === null ? (artifactType ?? 'of no said type') : `under the tag ${tag}`} <code>{digest}</code>
          </li>
        ))}
      </ul>
      {more > 0 && <p class="soft">and {more} more</p>}
    </section>
  );
}

function Workflows({ image: { workflows } }: { readonly image: ImageAnswer }) {
  return (
    <section>
      <h2>Workflows in Temporal</h2>
      <ul class="plain">
        {workflows.map(({ id, url }) => (
          <li key={id}>
            {url === null ? (
              <code>{id}</code>
            ) : (
              <a href={url} target="_blank" rel="noreferrer">
                <code>{id}</code>
              </a>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
