/** Versions of the CNI specification that are spoken here, oldest first. */
export const CNI_VERSIONS = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const

/** True when a version of the specification is at least another; both are of {@link CNI_VERSIONS}. */
export function atLeast(version: string, other: (typeof CNI_VERSIONS)[number]): boolean {
  return rank(version) >= rank(other)
}

/** True for versions that are spoken here. */
export function isKnownVersion(version: unknown): version is string {
  return typeof version === 'string' && rank(version) >= 0
}

/** The newest of some versions that is spoken here; undefined when none is. */
export function newestKnown(versions: readonly unknown[]): string | undefined {
  return versions.filter(isKnownVersion).sort((a, b) => rank(b) - rank(a))[0]
}

function rank(version: string): number {
  return (CNI_VERSIONS as readonly string[]).indexOf(version)
}
