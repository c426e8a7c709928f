import { RuntimeError } from '../../errors.js'
import { CriuRequestType, type CriuFeatures } from './criu-messages.js'
import type { CriuSession } from './criu-session.js'

// the first with everything that requests of ours say: a status-ready notification, external pid namespaces and
// the v2 freezer (3.15), LSM profiles that can be changed (3.16)
const oldest = [3, 16, 0] as const

const featureNames = {
  mem_track: 'memory tracking (soft-dirty pages, CONFIG_MEM_SOFT_DIRTY)',
  lazy_pages: 'lazy pages (userfaultfd(2) with events)',
} as const satisfies Record<keyof CriuFeatures, string>

/**
 * Refuses a CRIU that is too old.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CRIU`.
 */
export async function checkVersion(criu: CriuSession): Promise<void> {
  const { version } = await criu.request({ type: CriuRequestType.VERSION, keep_open: true })
  const found = [version?.major_number ?? 0, version?.minor_number ?? 0, version?.sublevel ?? 0]
  const difference = found.map((number, index) => number - oldest[index]!).find((part) => part !== 0) ?? 0
  if (difference < 0) {
    throw new RuntimeError(
      'ERR_RUNTIME_CRIU',
      `cannot use CRIU ${found.join('.')}: version ${oldest.join('.')} or newer is needed`,
    )
  }
}

/**
 * Refuses what CRIU cannot do with this kernel.
 *
 * @throws {@link RuntimeError} `ERR_RUNTIME_CRIU`.
 */
export async function checkFeature(criu: CriuSession, feature: keyof CriuFeatures): Promise<void> {
  const { features } = await criu.request({
    type: CriuRequestType.FEATURE_CHECK,
    keep_open: true,
    features: { [feature]: true },
  })
  if (features?.[feature] === true) return
  throw new RuntimeError(
    'ERR_RUNTIME_CRIU',
    `cannot checkpoint this way: CRIU has no ${featureNames[feature]} on this kernel`,
  )
}
