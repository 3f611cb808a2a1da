import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HostClockEstimator } from '../../../src/protocol/agentClock.ts';

const pong = (ping: number, receivedMonotonicMs: number, sentMonotonicMs: number, wallAheadMs: number) =>
  ({
    type: 'telemetry-pong',
    ping,
    receivedMonotonicMs,
    sentMonotonicMs,
    sentWallMs: sentMonotonicMs + wallAheadMs,
  }) as const;

describe('the clock of a host', () => {
  it('is known to within the error said, however uneven the two ways are', () => {
    const way = fc.record({
      there: fc.double({ min: 0, max: 500, noNaN: true }),
      held: fc.double({ min: 0, max: 50, noNaN: true }),
      back: fc.double({ min: 0, max: 500, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.double({ min: -1e9, max: 1e9, noNaN: true }),
        fc.array(way, { minLength: 1, maxLength: 20 }),
        (offset, wallAhead, ways) => {
          const clock = new HostClockEstimator();
          let now = 1000;
          for (const { there, held, back } of ways) {
            const ping = clock.ping(now);
            const arrived = now + there;
            now = arrived + held + back;
            const told = clock.pong(pong(ping, arrived - offset, arrived + held - offset, wallAhead), now);
            expect(Math.abs((told?.monotonicOffsetMs ?? Number.NaN) - offset)).toBeLessThanOrEqual(
              (told?.errorMs ?? 0) + 1e-5,
            );
            expect(Math.abs((told?.wallOffsetMs ?? Number.NaN) + wallAhead - offset)).toBeLessThanOrEqual(
              (told?.errorMs ?? 0) + 1e-5,
            );
            now += 10;
          }
        },
      ),
    );
  });

  it('is taken from the quickest of the last rounds, and an old quick one is forgotten', () => {
    const clock = new HostClockEstimator();
    const round = (sentMs: number, travelMs: number, offset: number) => {
      const ping = clock.ping(sentMs);
      const at = sentMs + travelMs / 2 - offset;
      return clock.pong(pong(ping, at, at, 0), sentMs + travelMs);
    };
    expect(round(0, 2, 100)).toMatchObject({ monotonicOffsetMs: 100, errorMs: 1 });
    expect(round(100, 40, 117)).toMatchObject({ monotonicOffsetMs: 100, errorMs: 1 });
    for (let later = 0; later < 8; later++) round(1000 + later * 100, 30, 105);
    expect(clock.estimate).toMatchObject({ monotonicOffsetMs: 105, errorMs: 15 });
  });

  it('is not told by an answer to no ping, nor by the same answer twice', () => {
    const clock = new HostClockEstimator();
    expect(clock.pong(pong(7, 1, 1, 0), 5)).toBeNull();
    const ping = clock.ping(0);
    expect(clock.pong(pong(ping, 1, 1, 0), 5)).not.toBeNull();
    expect(clock.pong(pong(ping, 1, 1, 0), 5000)).toBeNull();
    expect(clock.estimate?.errorMs).toBe(2.5);
  });
});
