import { ago, moment } from '../words.ts';

/** A moment as people say it, with the exact one on it. */
export function When({ at }: { readonly at: string | null | undefined }) {
  if (at == null) return <span>never</span>;
  return (
    <time dateTime={at} title={moment(at)}>
      {ago(at)}
    </time>
  );
}
