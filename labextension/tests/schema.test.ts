import { SchemaError, TRANSFER_STATES, readTransferEvent, readTransfers } from '../src/schema';
import event from './fixtures/event.json';
import states from './fixtures/states.json';
import torrents from './fixtures/torrents.json';

describe('what the Python models write', () => {
  it('is read whole, field by field', () => {
    expect(readTransferEvent(event)).toEqual(event);
    expect(readTransfers(torrents)).toEqual(torrents);
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
