// webtorrent.js in Node as a peer over TCP; the job is what node_peer.py read from its command line.
// Usage: node node_peer.mjs NODE_MODULES JOB

import { register } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

// Its WebRTC is a native module that npm does not carry: it finds none, as in a browser that has it switched off.
const names = ['RTCPeerConnection', 'RTCSessionDescription', 'RTCIceCandidate']
const noWebRtc = source(names.map(name => `export const ${name} = undefined`).join('\n'))
register(source(`
  export const resolve = (name, context, next) =>
    name === 'webrtc-polyfill' ? { url: ${JSON.stringify(noWebRtc)}, shortCircuit: true } : next(name, context)
`))

const [nodeModules, job] = [process.argv[2], JSON.parse(process.argv[3])]
const { default: WebTorrent } = await import(pathToFileURL(join(nodeModules, 'webtorrent', 'index.js')).href)

const client = new WebTorrent({
  torrentPort: job.port,
  dht: false,
  lsd: false,
  natPmp: false,
  natUpnp: false,
  tracker: false,
  utp: false
})
client.on('error', error => {
  say('error', { message: String(error) })
  process.exitCode = 1
  client.destroy()
})

if (job.verb === 'share') {
  client.seed(job.path, { announce: [] }, torrent => {
    say('magnet', { magnet: torrent.magnetURI })
    say('listening', { tcp: `127.0.0.1:${client.torrentPort}` })
  })
} else {
  const torrent = client.add(job.link, { path: job.folder, announce: [] })
  // Peers are taken only once the link has been read.
  torrent.once('infoHash', () => job.peers.forEach(peer => torrent.addPeer(peer)))
  torrent.once('done', () => {
    say('verified')
    // The store has its bytes on disk once it is closed.
    client.destroy(() => say('complete', { paths: [join(job.folder, torrent.name)], bytes: torrent.length }))
  })
}

function source(code) {
  return `data:text/javascript,${encodeURIComponent(code)}`
}

function say(event, fields) {
  console.log(JSON.stringify({ event, ...fields }))
}
