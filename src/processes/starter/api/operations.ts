import { z } from 'zod';
import * as answers from './answers.ts';
import * as asked from './schemas.ts';

/** One operation of the API: what may be asked, and what is answered. */
export interface Operation {
  readonly method: 'get' | 'post';
  /** Below `/api/v1`, as OpenAPI writes it. */
  readonly path: string;
  readonly summary: string;
  readonly query?: z.ZodObject | undefined;
  /** Absent: none is needed, and what is sent is not read. */
  readonly body?: z.ZodType | undefined;
  /** By status. */
  readonly answers: Readonly<Record<number, z.ZodType>>;
  /** Of refusals, besides those that every operation of its kind may answer with. */
  readonly refusals?: readonly number[];
}

const S = '/sites/{site}';
const get = (path: string, summary: string, answer: z.ZodType, query?: z.ZodObject, refusals: number[] = []): Operation => ({
  ...{ method: 'get', path, summary, query, refusals },
  answers: { 200: answer },
});
const list = (path: string, summary: string, item: z.ZodType, query?: z.ZodObject): Operation =>
  get(path, summary, answers.pageOf(item), query, query ? [400] : []);
const post = (
  path: string,
  summary: string,
  body: z.ZodType | undefined,
  ok: Operation['answers'],
  refusals: number[] = [],
): Operation => ({
  ...{ method: 'post', path, summary, body, answers: ok, refusals },
});

/** Every operation of the API but `GET /events`, which never ends, and `GET /openapi.json`, which is this. */
export const OPERATIONS: readonly Operation[] = [
  list('/sites', 'How far every site is', answers.SITE),
  get(S, 'How far a site is', answers.SITE),
  list(`${S}/samples`, 'How a site was over the last hours, the oldest first', answers.SAMPLE, asked.SAMPLES),
  list(`${S}/images`, 'The images of a site', answers.IMAGE, asked.IMAGE_PAGE),
  get(`${S}/images/{image}`, 'An image, with all that is known of it', answers.IMAGE_DETAIL, undefined, [400]),
  list(`${S}/deletions`, 'Deletions that wait for a person, or were decided', answers.DELETION, asked.DELETION_PAGE),
  list(`${S}/moves`, 'Moves that wait for a person, or were decided', answers.MOVE, asked.MOVE_PAGE),
  list(`${S}/waivers`, 'Images that are left out of the recovery point', answers.WAIVER, asked.WAIVER_PAGE),
  list('/audit', 'Who did what, the latest first', answers.AUDIT, asked.AUDIT_PAGE),
  get('/info', 'What this Twinport is, and whether who asks could act', answers.INFO),
  get('/setup', 'What `twinport doctor` says, as far as the starter can see', answers.SETUP),
  get(`${S}/backfill`, 'Where the latest backfill stands', answers.BACKFILL),
  get(`${S}/verify`, 'Where the latest verification stands', answers.VERIFICATION),
  get(`${S}/limits`, 'What a site may use of its registry', answers.SITE_LIMITS),

  post(`${S}/pause`, 'Begin nothing more at a site', undefined, { 202: answers.ACCEPTED }),
  post(`${S}/resume`, 'Let a paused site go on', undefined, { 202: answers.ACCEPTED }, [409]),
  post(`${S}/limits`, 'Change limits while the site runs', asked.LIMITS, { 202: answers.ACCEPTED }),
  post(`${S}/limits/reset`, 'Keep to the configured limits again', undefined, { 202: answers.ACCEPTED }, [409]),
  post(`${S}/backfill/start`, 'Compare everything, or join the scan that runs', asked.BACKFILL_START, { 202: answers.STARTED }),
  ...(['pause', 'resume', 'cancel'] as const).map((action) =>
    post(`${S}/backfill/${action}`, `The running backfill: ${action}`, undefined, { 202: answers.ACCEPTED }, [409]),
  ),
  post(`${S}/verify`, 'Read back what a site holds', asked.VERIFY_START, { 202: z.union([answers.STARTED, answers.COUNT]) }),
  post(`${S}/retry`, 'Do not wait for the back-off', asked.RETRY, { 202: answers.COUNT }),
  post(`${S}/cancel`, 'End what runs for images now', asked.REFERENCES, { 202: answers.CANCELLED }),
  post(`${S}/undo`, 'Set tags of a site back', asked.UNDO, { 200: answers.UNDONE, 202: answers.UNDONE }, [409]),
  post(`${S}/waive`, 'Leave images out of the recovery point', asked.WAIVE, { 200: answers.COUNT }),
  post(`${S}/unwaive`, 'Take that back', asked.UNWAIVE, { 200: answers.COUNT }),
  ...(['deletions', 'moves'] as const).flatMap((what) =>
    (['approve', 'reject'] as const).map((verdict) =>
      post(`${S}/${what}/${verdict}`, `${what} that wait: ${verdict}`, asked.DECISION, { 200: answers.DECIDED }, [409]),
    ),
  ),
  ...(['approve', 'reject'] as const).map((verdict) =>
    post(`${S}/primary/${verdict}`, `A primary that has regressed: ${verdict}`, undefined, { 200: answers.PRIMARY_DECIDED }),
  ),
];
