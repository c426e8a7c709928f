import { readFileSync } from 'node:fs'
import { expect } from '@jest/globals'

export type Json = Record<string, unknown>

/** Text of a config that another program wrote. */
export function configFixture(file: string): string {
  return readFileSync(new URL(`../fixtures/oci-config/${file}`, import.meta.url), 'utf8')
}

/** A small config to change. */
export const base = {
  ociVersion: '1.3.0',
  root: { path: 'rootfs' },
  process: { args: ['sh'], cwd: '/' },
  linux: {
    namespaces: ['pid', 'network', 'mount', 'ipc', 'uts', 'cgroup'].map((type) => ({ type })),
  },
}

export const ids = [{ containerID: 0, hostID: 1000, size: 10 }]

export const withLinux = (fields: Json): Json => ({ ...base, linux: { ...base.linux, ...fields } })

/** With a user namespace, and other fields of `linux`. */
export const withUser = (fields: Json, rest: Json = {}): Json =>
  withLinux({ namespaces: [...base.linux.namespaces, { type: 'user', ...fields }], ...rest })

/** What is said about a config, without what every such error begins with. */
export function messageOf(work: () => unknown): string {
  try {
    work()
  } catch (error) {
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'ERR_RUNTIME_CONFIG' })
    return (error as Error).message.replace('cannot use the config: ', '')
  }
  return 'accepted'
}
