/**
 * What a file is for the eye, by the ending of its name alone. jupyter_webtorrent/protocol/media.py has the same
 * endings; a test holds the two together.
 */

/** How a file is shown. */
export type MediaKind =
  'video' | 'audio' | 'image' | 'pdf' | 'table' | 'notebook' | 'text' | 'other';

const ENDINGS: Readonly<Record<Exclude<MediaKind, 'other'>, string>> = {
  video: 'm4v mkv mov mp4 ogv webm',
  audio: 'aac flac m4a mp3 oga ogg opus wav weba',
  image: 'avif bmp gif jpeg jpg png svg webp',
  pdf: 'pdf',
  table: 'csv tsv',
  notebook: 'ipynb',
  text:
    'bib c cfg cpp css diff go h hpp htm html ini java jl js json jsonl log markdown md patch py r rmd rs rst ' +
    'sh sql tex toml ts txt xml yaml yml'
};

const KIND_OF_ENDING = new Map(
  Object.entries(ENDINGS).flatMap(([kind, endings]) =>
    endings.split(' ').map(ending => [ending, kind as MediaKind] as const)
  )
);

/** How a file of that name is shown. */
export function mediaKind(path: string): MediaKind {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  const ending = dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
  return KIND_OF_ENDING.get(ending) ?? 'other';
}

/** The last part of a path in a torrent. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
