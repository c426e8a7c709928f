import { readFileSync, statSync } from 'node:fs'
import { parseResolvConf } from '../files/resolv-conf.js'

/** As many as libc takes. */
const most = 3

/**
 * The servers of names that this host asks itself, as its `/etc/resolv.conf` has them now. One on its loopback, as
 * systemd-resolved's and dnsmasq's, is one of them: we ask from the host.
 */
export class HostResolvers {
  readonly #path: string
  #read: { readonly stamp: string; readonly servers: readonly string[] } | undefined

  constructor(path = '/etc/resolv.conf') {
    this.#path = path
  }

  servers(): readonly string[] {
    try {
      const { mtimeMs, ino, size } = statSync(this.#path)
      const stamp = `${ino} ${mtimeMs} ${size}`
      if (this.#read?.stamp !== stamp) {
        const { nameservers } = parseResolvConf(readFileSync(this.#path, 'utf8'))
        this.#read = { stamp, servers: nameservers.slice(0, most) }
      }
      return this.#read.servers
    } catch {
      return this.#read?.servers ?? [] // it is being replaced, or is not there
    }
  }
}
