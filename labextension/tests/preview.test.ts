import { Signal } from '@lumino/signaling';

import type { PreviewContent, WatchedTransfers } from '../src/preview';
import { FilePreview, MAX_ROWS } from '../src/preview';
import type { IFileStatus, ITransferDetails } from '../src/schema';
import { readDetails } from '../src/decode';
import details from './fixtures/details.json';
import { settle, transferIn } from './helpers';

const HASH = transferIn('downloading').info_hash;

class Transfers implements WatchedTransfers {
  transfers = [transferIn('downloading')];
  changed: Signal<WatchedTransfers, void> = new Signal<WatchedTransfers, void>(this);
}

function file(path: string, changes: Partial<IFileStatus> = {}): IFileStatus {
  return { index: 0, path, length: 10, done: 10, wanted: true, priority: 'normal', ...changes };
}

type Api = ConstructorParameters<typeof FilePreview>[2];
type MockedApi = { [Name in keyof Api]: jest.Mock<ReturnType<Api[Name]>, Parameters<Api[Name]>> };

/** A preview of the first file, of a server with these files. */
function preview(
  files: IFileStatus[],
  answer: string | Error = '',
  changes: Partial<ITransferDetails> = {}
): { shown: FilePreview; api: MockedApi; transfers: Transfers } {
  const transfers = new Transfers();
  const known: ITransferDetails = { ...readDetails(details), files, ...changes };
  const api: MockedApi = {
    change: jest.fn<Promise<ITransferDetails>, Parameters<Api['change']>>(() =>
      Promise.resolve(known)
    ),
    details: jest.fn<Promise<ITransferDetails>, Parameters<Api['details']>>(() =>
      Promise.resolve(known)
    ),
    read: jest.fn<Promise<ArrayBuffer>, Parameters<Api['read']>>(() =>
      typeof answer === 'string'
        ? Promise.resolve(new TextEncoder().encode(answer).buffer)
        : Promise.reject(answer)
    ),
    streamUrl: jest.fn((infoHash: string, path: string) => `/stream/${infoHash}/${path}`)
  };
  const shown = new FilePreview(HASH, files[0]?.path ?? 'nothing.csv', api, transfers);
  return { shown, api, transfers };
}

beforeEach(() => {
  jest.useFakeTimers();
});

async function contentOf(...args: Parameters<typeof preview>): Promise<PreviewContent> {
  const { shown } = preview(...args);
  await settle();
  const { content } = shown;
  shown.dispose();
  return content;
}

describe('what is shown', () => {
  it('of a film is its stream, and no byte is asked for', async () => {
    const { shown, api } = preview([file('a.mp4')]);
    expect(shown.content).toEqual({ kind: 'loading' });
    await settle();
    expect(shown.content).toEqual({ kind: 'video', url: `/stream/${HASH}/a.mp4` });
    expect(api.read).not.toHaveBeenCalled();
    expect(api.change).not.toHaveBeenCalled();
  });

  it('of a table are its rows', async () => {
    expect(await contentOf([file('a.csv')], 'x,y\n1,2\n')).toEqual({
      kind: 'table',
      rows: [
        ['x', 'y'],
        ['1', '2']
      ],
      isCut: false
    });
  });

  it('of a long table are its first rows, each whole', async () => {
    const long = file('a.csv', { length: 1_000_000 });
    const few = await contentOf([long], 'x,y\n1,2\n3,');
    expect(few).toMatchObject({
      rows: [
        ['x', 'y'],
        ['1', '2']
      ],
      isCut: true
    });
    const many = await contentOf([long], 'x\n'.repeat(1000));
    expect(many).toMatchObject({ isCut: true, rows: { length: MAX_ROWS } });
  });

  it('of a text is its beginning', async () => {
    const { shown, api } = preview([file('a.py', { length: 1_000_000 })], 'print()');
    await settle();
    expect(shown.content).toEqual({ kind: 'text', text: 'print()', isCut: true });
    expect(api.read.mock.calls[0]?.[2]).toMatchObject({ first: 262144 });
  });

  it.each([
    ['a.ipynb', '{"cells": []}', 10, 'notebook'],
    ['a.ipynb', '{', 10, 'odd'],
    ['a.ipynb', '', 50_000_000, 'large'],
    ['a.exe', '', 10, 'other'],
    ['a.csv', '', 0, 'empty']
  ])('of %s with %j in %d bytes is %s', async (path, answer, length, kind) => {
    expect((await contentOf([file(path, { length, done: 0 })], answer)).kind).toBe(kind);
  });

  it('of a refused file is the reason, until it is tried again', async () => {
    const error = new Error('the transfer is paused');
    const { shown, api } = preview([file('a.txt')], error);
    await settle();
    expect(shown.content).toEqual({ kind: 'failed', error });
    api.read.mockResolvedValue(new ArrayBuffer(0));
    await shown.load();
    expect(shown.content).toMatchObject({ kind: 'text' });
  });

  it('of a film that the browser gave up is whether it got any byte', async () => {
    const playable = preview([file('a.mp4')], 'x').shown;
    await playable.mediaFailed();
    expect(playable.content).toEqual({ kind: 'unplayable' });
    const error = new Error('gone');
    const refused = preview([file('a.mp4')], error).shown;
    await refused.mediaFailed();
    expect(refused.content).toEqual({ kind: 'failed', error });
  });
});

it('a file that is skipped is wanted from now on, unless it comes by itself', async () => {
  const skipped = file('a.mp4', { index: 4, done: 0, priority: 'skip' });
  const ordinary = preview([skipped]);
  await settle();
  expect(ordinary.api.change).toHaveBeenCalledWith(HASH, { priorities: { 4: 'normal' } });
  const onDemand = preview([skipped], '', { transfer: transferIn('on_demand') });
  await settle();
  expect(onDemand.api.change).not.toHaveBeenCalled();
});

it('a file is waited for until its torrent is known', async () => {
  const { shown, api, transfers } = preview([], '', { pieces: null });
  transfers.transfers = [transferIn('metadata', { info_hash: HASH })];
  await settle();
  transfers.changed.emit();
  await settle();
  expect(shown.content).toEqual({ kind: 'loading' });
  expect(api.details).toHaveBeenCalledTimes(1);
  transfers.transfers = [transferIn('downloading')];
  api.details.mockResolvedValue({ ...readDetails(details), files: [] });
  transfers.changed.emit();
  await settle();
  expect(shown.content).toEqual({ kind: 'missing' });
});

it('how much is here is looked at now and then, until all is here', async () => {
  const { shown, api, transfers } = preview([file('a.mp4', { done: 3 })]);
  await settle();
  transfers.changed.emit();
  expect(api.details).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(1000);
  api.details.mockResolvedValue({ ...readDetails(details), files: [file('a.mp4')] });
  transfers.changed.emit();
  await settle();
  expect(shown.file?.done).toBe(10);
  jest.advanceTimersByTime(1000);
  transfers.changed.emit();
  expect(api.details).toHaveBeenCalledTimes(2);
});

it('of a transfer that was removed is told, until it is back', async () => {
  const { shown, transfers } = preview([file('a.csv')], 'x');
  await settle();
  expect(shown.isGone).toBe(false);
  const all = transfers.transfers;
  transfers.transfers = [];
  transfers.changed.emit();
  expect(shown.isGone).toBe(true);
  expect(shown.content.kind).toBe('table');
  transfers.transfers = all;
  transfers.changed.emit();
  expect(shown.isGone).toBe(false);
});

it('what is closed asks for nothing any more', async () => {
  const { shown, api, transfers } = preview([file('a.csv', { done: 3 })]);
  const signal = api.details.mock.calls[0]?.[1];
  shown.dispose();
  shown.dispose();
  expect(signal?.aborted).toBe(true);
  await settle();
  jest.advanceTimersByTime(1000);
  transfers.changed.emit();
  expect(api.details).toHaveBeenCalledTimes(1);
});
