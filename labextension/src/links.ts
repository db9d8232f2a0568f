/** Recognises a link to a torrent in a text that was pasted or dropped; whether it is good the server says. */

const MAGNET = /magnet:\?[^\s"<>]+/i;
const INFO_HASH = /^(?:[0-9a-f]{40}|[a-z2-7]{32})$/i;
const TORRENT_URL = /^https?:\/\/[^\s/?#]+\/[^\s?#]*\.torrent(?:[?#]\S*)?$/i;

/** The first magnet link in a text, or the text if it is an info hash or the URL of a .torrent file. */
export function linkIn(text: string): string | undefined {
  const magnet = MAGNET.exec(text);
  if (magnet !== null) {
    return magnet[0];
  }
  const whole = text.trim();
  return INFO_HASH.test(whole) || TORRENT_URL.test(whole) ? whole : undefined;
}
