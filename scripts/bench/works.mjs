import { actionsText, measureActions } from './actions.mjs';
import { CONTENTS } from './content.mjs';
import { measureScale, scaleText } from './scale.mjs';
import { measurePushes, pushesText } from './pushes.mjs';

/*
 * What is measured. A work has a content, the line to the primary, and passes that follow each other on the same secondary; `goal` is the
 * most that Twinport may take, as a share of the best of the peers that it names (all, if it names none). One with a `measure` is measured by
 * that alone: the peers have nothing like it.
 */
const FAR = { delayMs: 30 }; // each way: 60 ms there and back
const NARROW = { bytesPerSecond: 20e6 }; // each connection

export const WORKS = [
  {
    name: 'large',
    title: '8 images of 1.2 GiB that share a base layer',
    content: CONTENTS.large,
    passes: [
      {
        name: 'first',
        goals: [
          { of: 'wallSeconds', most: 1 },
          { of: 'cpuSeconds', most: 1.3 },
        ],
      },
    ],
  },
  {
    name: 'small',
    title: '1,000 small images in 40 repositories',
    content: CONTENTS.small,
    passes: [
      { name: 'first', goals: [{ of: 'wallSeconds', most: 0.9 }] },
      {
        name: 'again',
        title: 'nothing to do',
        goals: [
          { of: 'wallSeconds', most: 0.6, peers: ['regsync'] },
          { of: 'wallSeconds', most: 1.4, peers: ['crane'] },
        ],
      },
      { name: 'verify', title: 'everything read back (`--verify shallow`)', depth: 'shallow', oursOnly: true },
    ],
  },
  {
    name: 'far',
    title: 'the same, the primary 60 ms away',
    content: CONTENTS.small,
    line: FAR,
    passes: [
      { name: 'first', goals: [{ of: 'wallSeconds', most: 0.7 }] },
      { name: 'again', title: 'nothing to do', goals: [{ of: 'wallSeconds', most: 0.35 }] },
    ],
  },
  {
    name: 'layer',
    title: 'one layer of 384 MiB, 20 MB/s a connection',
    content: CONTENTS.layer,
    line: NARROW,
    passes: [{ name: 'first', goals: [{ of: 'wallSeconds', most: 0.2 }] }],
  },
  {
    name: 'lost',
    title: '100 images of 1 MiB, of which the secondary has lost one blob',
    content: CONTENTS.lost,
    passes: [
      { name: 'first', unreported: true },
      { name: 'lost', title: 'the same again', depth: 'shallow', lose: loseOne },
    ],
  },
  { name: 'pushes', title: 'from a push to the image that can be pulled', measure: measurePushes, text: pushesText },
  { name: 'actions', title: "Temporal's actions", measure: measureActions, text: actionsText },
  {
    name: 'scale',
    title: 'a scan with nothing to do, by size',
    measure: measureScale,
    text: scaleText,
    registries: 'Made-up registries that store nothing',
  },
];

/** Of one image the layer. */
function loseOne(content) {
  const [repository, tags] = [...content][1];
  return { repository, blob: tags.v7[1] };
}
