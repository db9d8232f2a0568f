import { readDetails } from '../src/decode';
import { listed, nameOf } from '../src/listing';
import { contentsPath } from '../src/paths';
import detailsFixture from './fixtures/details.json';
import { transferIn } from './helpers';

const PART_2 = transferIn('seeding', { info_hash: '2', name: 'Part 2.csv', total: 9 });
const PART_10 = transferIn('downloading', { info_hash: '10', name: 'part 10.csv', total: 7 });
const OTHER = transferIn('failed', { info_hash: '3', name: 'a\u202Eb', total: 8 });
const ALL = [PART_2, PART_10, OTHER];

describe('the list of transfers', () => {
  it('is by age, by name as people count, by size, or with what wants attention first', () => {
    expect(listed(ALL, '', 'newest')).toEqual([OTHER, PART_10, PART_2]);
    expect(listed(ALL, '', 'name')).toEqual([OTHER, PART_2, PART_10]);
    expect(listed(ALL, '', 'size')).toEqual([PART_2, OTHER, PART_10]);
    expect(listed(ALL, '', 'state')).toEqual([OTHER, PART_10, PART_2]);
  });

  it('is of those that have every word in the name that is shown', () => {
    expect(listed(ALL, ' CSV part ', 'name')).toEqual([PART_2, PART_10]);
    expect(listed(ALL, 'a\uFFFDb', 'name')).toEqual([OTHER]);
    expect(listed(ALL, 'nothing', 'name')).toEqual([]);
  });

  it('calls a transfer by its info hash until its name is known', () => {
    expect(nameOf(transferIn('metadata', { name: '', info_hash: 'abc' }))).toBe('abc');
  });
});

describe('where a file is that Jupyter serves', () => {
  const details = readDetails(detailsFixture);
  const folder = {
    ...details,
    transfer: transferIn('seeding', { name: 'data', paths: ['/srv/lab/got/data'] })
  };
  const file = {
    transfer: transferIn('seeding', { name: 'a.csv', paths: ['/srv/lab/a (1).csv'] }),
    files: details.files.slice(0, 1).map(each => ({ ...each, path: 'a.csv' }))
  };

  it('is below the folder that it serves', () => {
    expect(contentsPath(folder, 'raw/a.csv', '/srv/lab')).toBe('got/data/raw/a.csv');
    expect(contentsPath(folder, 'data', '/srv/lab/')).toBe('got/data/data');
    expect(contentsPath(file, 'a.csv', '/srv/lab')).toBe('a (1).csv');
    expect(contentsPath(file, 'a.csv', '/')).toBe('srv/lab/a (1).csv');
  });

  it('is nowhere before the transfer is finished, and outside of that folder', () => {
    const begun = { ...folder, transfer: { ...folder.transfer, paths: [] } };
    expect(contentsPath(begun, 'a.csv', '/srv/lab')).toBeUndefined();
    expect(contentsPath(folder, 'a.csv', '/srv/laboratory')).toBeUndefined();
    expect(contentsPath(folder, 'a.csv', '/srv/la')).toBeUndefined();
    expect(contentsPath(folder, 'a.csv', '')).toBeUndefined();
  });

  it('is nowhere for what was shared from several places', () => {
    const paths = ['/srv/lab/a.csv', '/srv/lab/b.csv'];
    const several = { ...folder, transfer: { ...folder.transfer, paths } };
    expect(contentsPath(several, 'a.csv', '/srv/lab')).toBeUndefined();
  });

  it('is known on Windows too', () => {
    const transfer = { ...folder.transfer, paths: ['C:\\Users\\ada\\data'] };
    const windows = { ...folder, transfer };
    expect(contentsPath(windows, 'raw/a.csv', 'C:\\Users\\ada')).toBe('data/raw/a.csv');
  });
});
