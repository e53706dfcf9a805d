import { asTyped } from '../package-folder';

test.each([
  ['npm start -- holiday.mov', 'npx mpc-snapshots start holiday.mov'],
  ['start it with npm start, or', 'start it with npx mpc-snapshots start, or'],
  ['npm run --silent local -- exec -- COMMAND…', 'npx mpc-snapshots exec -- COMMAND…'],
  ['npm run setup -- --stage demo, which', 'npx mpc-snapshots setup --stage demo, which'],
  ['(`npm run setup` makes it)', '(`npx mpc-snapshots setup` makes it)'],
  ['`npm run --silent doctor -- --stage demo --policy`', '`npx mpc-snapshots doctor --stage demo --policy`'],
  ['`npm run package -- --package out`', '`npx mpc-snapshots package --package out`'],
  ['npm i -D serverless', 'npm i -D serverless'],
])('the package prints %s as users of the package type it', (text, typed) => {
  expect(asTyped(text, true)).toBe(typed);
  expect(asTyped(text, false)).toBe(text);
});
