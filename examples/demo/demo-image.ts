import { availablePrograms, hostImage, type HostImage } from '../pack/host-image.js'

/** Runs in the container: a page about where it is. */
const webServer = `
import { readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { hostname, networkInterfaces } from 'node:os'

createServer((request, response) => {
  const { address } = networkInterfaces().eth0[0]
  response.end(\`<h1>Hello from \${hostname()}</h1>
<p>I am process \${process.pid}, at \${address}, and my / holds \${readdirSync('/').join(', ')}.</p>
\`)
}).listen(80, () => console.log('listening'))
process.on('SIGTERM', () => process.exit(0))
`

/** An image of this machine's Node and shell, with a small web server. */
export function demoImage(): HostImage {
  return hostImage({
    programs: [process.execPath, 'sh', ...availablePrograms(['cat', 'env', 'id', 'ls', 'sleep', 'uname'])],
    files: [{ type: 'file', path: 'srv/server.mjs', content: webServer }],
    run: { Cmd: ['node', '/srv/server.mjs'], ExposedPorts: ['80/tcp'] },
  })
}
