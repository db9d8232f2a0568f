// bittorrent-tracker's own server as a process: says where it listens, then serves until it is ended.
// Usage: node bittorrent_tracker.mjs NODE_MODULES

import { pathToFileURL } from 'node:url'

// The package's index would pull a native WebRTC module in; the server alone does not need it.
const server_js = `${process.argv[2]}/bittorrent-tracker/server.js`
const { default: Server } = await import(pathToFileURL(server_js).href)

const server = new Server({ http: true, udp: true, ws: true, stats: false })
server.on('error', (error) => console.error(error))
server.on('warning', (error) => console.error(error.message))
server.listen(0, { http: '127.0.0.1', udp: '127.0.0.1', udp6: '::1' }, () => {
  const { port } = server.http.address()
  console.log(JSON.stringify({
    event: 'tracker',
    ws: `ws://127.0.0.1:${port}/announce`,
    http: `http://127.0.0.1:${port}/announce`,
    udp: `udp://127.0.0.1:${server.udp4.address().port}/announce`
  }))
})
