// bittorrent-tracker's own server, WebSocket only, as a process: says where it listens, then serves until it is ended.
// Usage: node bittorrent_tracker.mjs NODE_MODULES

import { pathToFileURL } from 'node:url'

// The package's index would pull a native WebRTC module in; the server alone does not need it.
const server_js = `${process.argv[2]}/bittorrent-tracker/server.js`
const { default: Server } = await import(pathToFileURL(server_js).href)

const server = new Server({ http: false, udp: false, ws: true, stats: false })
server.on('error', (error) => console.error(error))
server.on('warning', (error) => console.error(error.message))
server.listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ event: 'tracker', url: `ws://127.0.0.1:${server.http.address().port}/announce` }))
})
