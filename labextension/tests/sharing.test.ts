import { defaultName, mayHoldNotebooks, shareRequest } from '../src/sharing';

const FIELDS = { name: '', private: false, trackers: '', ratio: '', hours: '' };

describe('a share', () => {
  it('is named after its file, or the folder of several', () => {
    expect(defaultName(['a/data.csv'])).toBe('data.csv');
    expect(defaultName(['a/b/x.csv', 'a/b/y.csv'])).toBe('b');
    expect(defaultName(['x.csv', 'y.csv'])).toBe('');
    expect(defaultName(['.'])).toBe('');
  });

  it('leaves to the server what a person left alone', () => {
    expect(shareRequest(['a.csv'], { ...FIELDS, name: 'a.csv' })).toEqual({
      paths: ['a.csv'],
      name: null,
      trackers: null,
      private: false,
      seed_ratio: null,
      seed_seconds: null,
      copy_notebooks: true
    });
  });

  it('takes what a person filled in', () => {
    const request = shareRequest(['a.csv'], {
      name: ' lesson ',
      private: true,
      trackers: 'wss://a.example\n\nwss://b.example ',
      ratio: '1.5',
      hours: '2'
    });
    expect(request).toMatchObject({
      name: 'lesson',
      private: true,
      trackers: ['wss://a.example', 'wss://b.example'],
      seed_ratio: 1.5,
      seed_seconds: 7200
    });
  });

  it('speaks of notebooks where there may be some', () => {
    expect(mayHoldNotebooks(['a.csv', 'b.ipynb'])).toBe(true);
    expect(mayHoldNotebooks(['folder'])).toBe(true);
    expect(mayHoldNotebooks(['a.csv'])).toBe(false);
  });
});
