import { isWithin, type Outage, type Tick } from './live-a-day.ts';

const [WIDTH, HEIGHT] = [900, 300];
const [LEFT, RIGHT, TOP, BOTTOM] = [64, 16, 36, 44];
const DAY_MINUTES = 24 * 60;
const LIFE_MINUTES = 6 * 60;

const x = (minute: number) => Math.round(LEFT + (minute / DAY_MINUTES) * (WIDTH - LEFT - RIGHT));
const y = (minutesLeft: number) => Math.round(HEIGHT - BOTTOM - (minutesLeft / LIFE_MINUTES) * (HEIGHT - TOP - BOTTOM));
const label = (atX: number, atY: number, text: string, anchor = 'middle') =>
  `<text x="${atX}" y="${atY}" text-anchor="${anchor}">${text}</text>`;

/** Remaining lifetime of the access token over a day. Readable on a light page and on a dark one. */
export function drawDay(ticks: readonly Tick[], outage: Outage): string {
  const { fromMinute, toMinute } = outage;
  const hours = [0, 3, 6, 9, 12, 15, 18, 21, 24];
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="13" fill="#333">`,
    '<title>A bearer token over a day with an outage in it</title>',
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    `<rect x="${x(fromMinute)}" y="${TOP}" width="${x(toMinute) - x(fromMinute)}" height="${HEIGHT - TOP - BOTTOM}" fill="#fde2d9"/>`,
    label(x((fromMinute + toMinute) / 2), TOP - 10, 'Retently answers 503'),
    ...[0, 2, 4, 6].flatMap((hour) => [
      `<path d="M${LEFT} ${y(hour * 60)}H${WIDTH - RIGHT}" stroke="#ddd"/>`,
      label(LEFT - 8, y(hour * 60) + 4, `${hour} h`, 'end'),
    ]),
    ...hours.map((hour) => label(x(hour * 60), HEIGHT - BOTTOM + 18, `${hour}`)),
    label(
      (LEFT + WIDTH - RIGHT) / 2,
      HEIGHT - 6,
      'hours of the day; a tick every ten minutes; blue: renewed, red: an attempt that failed',
    ),
    label(LEFT, TOP - 10, 'life that the bearer token has left', 'start'),
    `<path d="${toLine(ticks)}" fill="none" stroke="#1463b0" stroke-width="2"/>`,
    ...ticks.flatMap(({ minute, minutesLeft, posts }) =>
      posts === 0
        ? []
        : [
            `<circle cx="${x(minute)}" cy="${y(minutesLeft)}" r="4" fill="${isWithin(outage, minute) ? '#c8390f' : '#1463b0'}"/>`,
          ],
    ),
    '</svg>',
  ].join('\n')}\n`;
}

/** It falls from tick to tick. Where a tick brought a new token, it rises in that moment. */
function toLine(ticks: readonly Tick[]): string {
  const points = ticks.flatMap(({ minute, minutesLeft }, index) => {
    const before = ticks[index - 1];
    const fallen = before && Math.max(0, before.minutesLeft - (minute - before.minute));
    return [
      ...(fallen === undefined || fallen === minutesLeft ? [] : [`${x(minute)} ${y(fallen)}`]),
      `${x(minute)} ${y(minutesLeft)}`,
    ];
  });
  return `M${points.join('L')}`;
}
