/** The extension's icons. */

import { LabIcon } from '@jupyterlab/ui-components';

import transfersSvg from '../style/icons/transfers.svg';

export const transfersIcon = new LabIcon({
  name: 'jupyter-webtorrent:transfers',
  svgstr: transfersSvg
});
