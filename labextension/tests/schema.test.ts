import { SchemaError, readDetails, readTransferEvent, readTransfers } from '../src/decode';
import { TRANSFER_STATES } from '../src/schema';
import details from './fixtures/details.json';
import event from './fixtures/event.json';
import states from './fixtures/states.json';
import torrents from './fixtures/torrents.json';

describe('what the Python models write', () => {
  it('is read whole, field by field', () => {
    expect(readTransferEvent(event)).toEqual(event);
    expect(readTransfers(torrents)).toEqual(torrents);
  });

  it('reads the details of a transfer without loss', () => {
    expect(readDetails(details)).toEqual(details);
  });

  it('knows the same states', () => {
    expect([...TRANSFER_STATES]).toEqual(states);
  });
});

describe('anything else is refused', () => {
  it.each([
    ['no list', {}],
    ['no object', [7]],
    ['a missing field', [{ ...torrents[0], name: undefined }]],
    ['a number as text', [{ ...torrents[0], total: '12' }]],
    ['a number that is none', [{ ...torrents[0], down_rate: null }]],
    ['an unknown state', [{ ...torrents[0], state: 'asleep' }]],
    ['a path that is no text', [{ ...torrents[0], paths: [1] }]]
  ])('%s', (_what, value) => {
    expect(() => readTransfers(value)).toThrow(SchemaError);
  });
});
