/** What a Schedule asks for; the policy is the control side's of that moment. */
export interface StartScheduledInput {
  readonly site: string;
  readonly kind: 'backfill' | 'verify';
}
