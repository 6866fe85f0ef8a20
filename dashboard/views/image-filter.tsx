import { go, to } from '../path.ts';

const STATES = [
  ['', 'Any state'],
  ['failed', 'Failed'],
  ['pending', 'Queued'],
  ['started', 'Copying'],
  ['synced', 'Synced'],
  ['verified', 'Verified'],
  ['held', 'Held deletion'],
  ['missing', 'Gone at the primary'],
  ['waived', 'Waived'],
  ['excluded', 'Left out by filters'],
] as const;
const AGES = [
  ['', 'Any age'],
  ['5m', 'Over 5 minutes'],
  ['1h', 'Over 1 hour'],
  ['1d', 'Over 1 day'],
  ['7d', 'Over 7 days'],
] as const;
const TYPING_MS = 250;
const FILTERS = ['state', 'repository', 'q', 'olderThan'] as const;

/** What the list asks for, as the address says it. */
export type Filters = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>;

/** What an address asks for. */
export function filtersIn(query: URLSearchParams): Filters {
  return Object.fromEntries(FILTERS.flatMap((name) => (query.get(name) ? [[name, query.get(name)]] : [])));
}

/** Which images are listed; the address says it too, so that it can be kept and sent. */
export function ImageFilter({ site, filters }: { readonly site: string; readonly filters: Filters }) {
  const change = (name: keyof Filters, value: string): void => go(to.images(site, { ...filters, [name]: value.trim() }), true);
  return (
    <search>
      <form class="filter" onSubmit={(event) => event.preventDefault()}>
        <TextFilter label="Search" placeholder="part of a name, or name:tag" value={filters.q} change={(value) => change('q', value)} />
        <TextFilter
          label="Repository"
          placeholder="whole name"
          value={filters.repository}
          change={(value) => change('repository', value)}
        />
        <Choice label="State" options={STATES} value={filters.state} change={(value) => change('state', value)} />
        <Choice label="Age" options={AGES} value={filters.olderThan} change={(value) => change('olderThan', value)} />
      </form>
    </search>
  );
}

interface FilterProps {
  readonly label: string;
  readonly value: string | undefined;
  readonly change: (value: string) => void;
}

let typing: ReturnType<typeof setTimeout>;

function TextFilter({ label, placeholder, value = '', change }: FilterProps & { readonly placeholder: string }) {
  return (
    <label>
      {label}
      <input
        type="search"
        defaultValue={value}
        placeholder={placeholder}
        autocomplete="off"
        onInput={({ currentTarget }) => {
          clearTimeout(typing);
          typing = setTimeout(() => change(currentTarget.value), TYPING_MS);
        }}
      />
    </label>
  );
}

function Choice({ label, options, value = '', change }: FilterProps & { readonly options: readonly (readonly [string, string])[] }) {
  return (
    <label>
      {label}
      <select value={value} onChange={({ currentTarget }) => change(currentTarget.value)}>
        {options.map(([key, words]) => (
          <option key={key} value={key}>
            {words}
          </option>
        ))}
      </select>
    </label>
  );
}
