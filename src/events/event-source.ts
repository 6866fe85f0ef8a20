import type { ParsedEvents } from '../model/change.ts';
import type { Proof } from './proof.ts';

/** One request of a sender, after its body was read. */
export interface EventMessage {
  readonly body: Uint8Array;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** How the primary names what the sender tells of, where that was configured: a pattern such as the source's `naming`. */
  readonly naming?: string;
}

/** What a message held. */
export interface Received extends ParsedEvents {
  /** What the sender must hear instead of our own answer: it asks whether it may send at all. */
  readonly answer?: Readonly<Record<string, unknown>>;
}

/** One kind of sender: how it proves itself, and how its bodies are read. */
export interface EventSource {
  readonly name: string;
  /** Ways in which it can prove that it is the sender; one of them is enough. */
  readonly proofs: readonly Proof[];
  /** The sender asks by `OPTIONS` before it sends, as CloudEvents' abuse protection wants it. */
  readonly asksFirst?: true;
  /** The default of the pattern that makes a repository's name, for a sender that does not know it. */
  readonly naming?: string;
  /**
   * Reads one message.
   * @throws {InvalidEnvelope} INVALID where the envelope is not one; single events that cannot be used are counted, never thrown
   */
  parse(message: EventMessage): Received;
}
