import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { RegistriesConfig, RegistryClientOptions } from '@ctr/registry'
import type { Globals, OwnReach } from '../cli.js'

/**
 * What is known of registries: the file of them, then the flags before the command, then those of the command itself.
 *
 * @throws `RegistryError`: the file, or a certificate, cannot be used.
 */
export async function registrySettings(
  { insecureRegistry = [], registryMirror = [], registriesConf }: Globals,
  own?: OwnReach,
): Promise<RegistriesConfig> {
  const path = registriesConf ?? (process.env['CTRJS_REGISTRIES_CONF'] || defaultFile())
  const { readCertificates, readRegistries } = await import('@ctr/registry')
  const { client, policy } =
    path === undefined ? { client: {}, policy: undefined } : await readRegistries(path)
  const insecure = [...((client.insecure ?? []) as readonly string[]), ...insecureRegistry]
  const mirrors = registryMirror.length === 0 ? {} : { 'docker.io': registryMirror }
  const certificates = own?.certDir === undefined ? {} : { [own.registry]: readCertificates(own.certDir) }
  return {
    client: {
      mirrors: { ...client.mirrors, ...mirrors },
      insecure: insecureOf(insecure, own),
      tls: { ...client.tls, ...certificates },
    },
    policy,
  }
}

function insecureOf(
  insecure: readonly string[],
  own: OwnReach | undefined,
): RegistryClientOptions['insecure'] {
  if (own?.tlsVerify === undefined) return insecure
  return own.tlsVerify ? false : [...insecure, own.registry]
}

/** Where the file is looked for; an ordinary user's own goes before that of the machine. */
function defaultFile(): string | undefined {
  const own = join(process.env['XDG_CONFIG_HOME'] || join(homedir(), '.config'), 'ctrjs')
  const folders = [...(process.geteuid?.() === 0 ? [] : [own]), '/etc/ctrjs']
  return folders.map((folder) => join(folder, 'registries.json')).find((path) => existsSync(path))
}
