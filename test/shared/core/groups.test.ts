import { groupsOf } from '../../../shared/core/groups';

test('items come in groups of the given size, in their order, and the last group has the rest', () => {
  expect([...groupsOf([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...groupsOf([1, 2], 2)]).toEqual([[1, 2]]);
  expect([...groupsOf([], 2)]).toEqual([]);
});
