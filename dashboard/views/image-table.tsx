import type { ImageStatus } from '../../src/ledger/images.ts';
import { formatBytes } from '../../src/model/text.ts';
import { Badge } from '../parts/mark.tsx';
import { When } from '../parts/when.tsx';
import { to } from '../path.ts';
import { stateOf } from '../words.ts';

interface TableProps {
  readonly site: string;
  readonly images: readonly ImageStatus[];
  readonly chosen: ReadonlySet<string>;
  readonly choose: (chosen: ReadonlySet<string>) => void;
}

/** Images, each with its state and, where it failed, why. */
export function ImageTable({ site, images, chosen, choose }: TableProps) {
  if (images.length === 0) return <p class="empty">No image is like that.</p>;
  const all = images.every(({ reference }) => chosen.has(reference));
  const toggle = (reference: string): void => {
    const next = new Set(chosen);
    if (!next.delete(reference)) next.add(reference);
    choose(next);
  };
  return (
    <table class="list">
      <thead>
        <tr>
          <th>
            <input
              type="checkbox"
              aria-label="Choose all on this page"
              checked={all}
              onChange={() => choose(all ? new Set() : new Set([...chosen, ...images.map(({ reference }) => reference)]))}
            />
          </th>
          <th>Image</th>
          <th>State</th>
          <th class="more">Verified</th>
          <th class="more">Size</th>
        </tr>
      </thead>
      <tbody>
        {images.map((image) => (
          <Row
            key={image.reference}
            site={site}
            image={image}
            chosen={chosen.has(image.reference)}
            toggle={() => toggle(image.reference)}
          />
        ))}
      </tbody>
    </table>
  );
}

function Row({ site, image, chosen, toggle }: { site: string; image: ImageStatus; chosen: boolean; toggle: () => void }) {
  const { reference, reason, verifiedAt, bytes } = image;
  const { word, tone } = stateOf(image);
  return (
    <tr class={chosen ? 'on' : ''}>
      <td>
        <input type="checkbox" aria-label={`Choose ${reference}`} checked={chosen} onChange={toggle} />
      </td>
      <td>
        <a href={to.image(site, reference)}>
          <code>{reference}</code>
        </a>
        {reason !== null && <p class="why">{reason}</p>}
      </td>
      <td>
        <Badge tone={tone} word={word} />
      </td>
      <td class="more">
        <When at={verifiedAt} />
      </td>
      <td class="more">{bytes === null ? '–' : formatBytes(bytes)}</td>
    </tr>
  );
}
