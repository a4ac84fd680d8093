import { expect, test } from 'vitest';
import { spreadOf } from './statistics.ts';

test.each([
  [[7], { lower: 7, median: 7, upper: 7 }],
  [[4, 1, 3, 2], { lower: 1.75, median: 2.5, upper: 3.25 }],
  [[100, 10, 9], { lower: 9.5, median: 10, upper: 55 }],
])('of %j', (values, spread) => {
  expect(spreadOf(values)).toEqual(spread);
});
