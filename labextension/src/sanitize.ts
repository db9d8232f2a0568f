/** A sanitiser for what strangers wrote: besides running nothing, it asks no other machine for anything. */

import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

/** What makes a browser fetch as soon as it is shown. */
const FETCHING = ['src', 'srcset', 'poster', 'background', 'data', 'xlink:href'];

/** The same as `sanitizer`, for documents that may hold data of their own but no address of others'. */
export function withoutRequests(sanitizer: IRenderMime.ISanitizer): IRenderMime.ISanitizer {
  return {
    allowNamedProperties: sanitizer.allowNamedProperties ?? false,
    getAutolink: () => sanitizer.getAutolink?.() ?? false,
    // The sanitiser has the last word: what was parsed and written anew may read differently.
    sanitize: (dirty, options) => sanitizer.sanitize(cutRequests(dirty), options)
  };
}

function cutRequests(html: string): string {
  // A document of this kind has no window: it runs and fetches nothing.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  for (const element of parsed.querySelectorAll('*')) {
    for (const name of FETCHING) {
      const value = element.getAttribute(name);
      if (value !== null && !/^\s*data:image\//i.test(value)) {
        element.removeAttribute(name);
      }
    }
    if (/url|image|\\/i.test(element.getAttribute('style') ?? '')) {
      element.removeAttribute('style');
    }
  }
  return parsed.body.innerHTML;
}
