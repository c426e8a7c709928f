import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Line of an htpasswd file: user `ann`, password `secret`, made by crypt(3) with bcrypt. */
const htpasswd = 'ann:$2b$04$X93yUjekuumjIb6RcQ3lf.ifH/EL9.foD6Lt/0Wav3dcRQjTmlLvi\n'

/**
 * Starts Debian's docker-registry on a free port of this machine, with all it writes below `folder`.
 *
 * @param isProtected - Only ann may use it.
 */
export async function startDockerRegistry(
  folder: string,
  isProtected = false,
): Promise<{ readonly address: string } & AsyncDisposable> {
  const address = `127.0.0.1:${await freePort()}`
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'htpasswd'), htpasswd)
  const auth = isProtected ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } } : {}
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'content') }, delete: { enabled: true } },
    http: { addr: address },
    ...auth,
  }
  const path = join(folder, 'config.yml')
  writeFileSync(path, JSON.stringify(config)) // JSON is YAML
  const child = spawn('docker-registry', ['serve', path], { stdio: 'ignore' })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for (let n = 0; n < 200; n++) {
    const isUp = await fetch(`http://${address}/v2/`).then(
      () => true,
      () => false,
    )
    if (isUp) break
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`)
    await sleep(50)
  }
  return {
    address,
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
