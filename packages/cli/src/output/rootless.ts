import type { RootlessInfo } from '@ctr/runtime'

const roots: Readonly<Record<RootlessInfo['storage'], string>> = {
  overlay: 'overlays of the kernel',
  'fuse-overlayfs': 'fuse-overlayfs',
  copy: 'copies of the whole image',
}

/** What `ctrjs info` says of an ordinary user's runtime. */
export function rootlessLines(rootless: RootlessInfo | null): readonly string[] {
  if (rootless === null) return []
  const { ids, network, limits, storage } = rootless
  return [
    'Rootless: true',
    ` Mapped Ids: ${ids}`,
    ` Network: ${network ?? 'none, or that of the host'}`,
    ` Limits: ${limits ? 'by a delegated cgroup' : 'none'}`,
    ` Roots: ${roots[storage]}`,
  ]
}

/** What it lacks, and what helps. */
export function rootlessWarnings(rootless: RootlessInfo | undefined): readonly string[] {
  const { idsReason = null, networkReason = null, limitsReason = null, storageReason = null } = rootless ?? {}
  const lacks = { ids: idsReason, network: networkReason, limits: limitsReason, roots: storageReason }
  return Object.entries(lacks).flatMap(([what, reason]) => (reason === null ? [] : [`${what}: ${reason}`]))
}
