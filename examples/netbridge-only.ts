// Only @ctr/netbridge: network namespaces on a bridge, with addresses, a default route and published ports.
// As root: node run.mjs netbridge-only
import { createServer, type Server } from 'node:http'
import { openSync } from 'node:fs'
import { join } from 'node:path'
import { CLONE_NEWNET, Fd, setns } from '@ctr/linux'
import { createNetworkNamespace, Netbridge, type NetworkNamespace } from '@ctr/netbridge'
import { temporaryFolder } from './support/temporary-folder.js'
import { needRoot } from './support/need-root.js'

needRoot("the bridge is the machine's; an ordinary user has pasta for its containers: node run.mjs run")

using folder = temporaryFolder()
const instance = `ex${process.pid}`
const network = await Netbridge.open({ state: join(folder.path, 'net'), instance })
console.log(`Network ${network.subnet} on bridge ${network.bridge}, which has ${network.gateway}`)

/**
 * A web server inside of a network namespace, in this very process: a socket belongs for good to the
 * namespace that its thread was in when it was made.
 */
function serveIn(namespace: NetworkNamespace, name: string): Server {
  using ours = new Fd(openSync('/proc/thread-self/ns/net', 'r'))
  const server = createServer((_, response) => response.end(`hello from ${name}`))
  setns(namespace.fd, CLONE_NEWNET)
  try {
    server.listen(80)
  } finally {
    setns(ours.number, CLONE_NEWNET)
  }
  return server
}

async function get(url: string): Promise<string> {
  const response = await fetch(url, { headers: { connection: 'close' }, signal: AbortSignal.timeout(5000) })
  return await response.text()
}

try {
  using red = createNetworkNamespace()
  using blue = createNetworkNamespace()
  // a port of the host that is free is chosen; `host: 8080` would take that one
  const web = network.attach({ id: 'red', netnsFd: red.fd, publish: [{ container: 80 }] })
  const other = network.attach({ id: 'blue', netnsFd: blue.fd })
  for (const { id, ifname, name, address, prefixLength, mac, ports } of network.endpoints()) {
    console.log(`  ${id}: ${address}/${prefixLength}, ${mac}, ${name} inside, ${ifname} on the bridge`)
    for (const { host, container } of ports)
      console.log(`    port ${host} of this machine leads to its ${container}`)
  }

  const servers = [serveIn(red, 'red'), serveIn(blue, 'blue')]
  try {
    const published = `http://127.0.0.1:${web.ports[0]!.host}/`
    for (const url of [published, `http://${web.address}/`, `http://${other.address}/`]) {
      console.log(`GET ${url} → ${await get(url)}`)
    }
    web.detach()
    const gone = await get(published).then(
      () => 'still there',
      () => 'nobody there',
    )
    console.log(`GET ${published} after red was detached → ${gone}`)
  } finally {
    for (const server of servers) server.close()
  }
} finally {
  await network.remove() // bridge, links, rules, addresses
}
console.log('The network is gone')
