import { merge, type Delivery } from './deliveries.ts';

interface Flight {
  /** What came while the call was under way, as one next call. */
  next?: { delivery: Delivery; readonly sent: Promise<void>; readonly start: () => void };
}

/**
 * Sends one delivery of a key at a time: what comes for the key meanwhile is merged into one next call, for which all its senders wait.
 * Without this a burst of pushes to one tag would queue at that workflow's shard and time out one after the other.
 */
export function singleFlight(send: (delivery: Delivery) => Promise<void>): (delivery: Delivery) => Promise<void> {
  const flights = new Map<string, Flight>();

  const fly = async (delivery: Delivery): Promise<void> => {
    const flight: Flight = {};
    flights.set(delivery.key, flight);
    try {
      await send(delivery);
    } finally {
      if (flight.next) flight.next.start();
      else flights.delete(delivery.key);
    }
  };

  return (delivery) => {
    const flight = flights.get(delivery.key);
    if (!flight) return fly(delivery);
    if (flight.next) {
      flight.next.delivery = merge(flight.next.delivery, delivery);
      return flight.next.sent;
    }
    let start = (): void => undefined;
    const turn = new Promise<void>((resolve) => (start = resolve));
    const sent: Promise<void> = turn.then(() => fly(next.delivery));
    const next: NonNullable<Flight['next']> = { delivery, sent, start };
    flight.next = next;
    return sent;
  };
}
