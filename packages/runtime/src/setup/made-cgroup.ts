import type { Cgroup, JoinOptions, Resources } from '@ctr/cgroups'
import type { CreateScopeOptions } from '@ctr/cgroups/systemd'

/** A cgroup that was made for a container: by us, or by systemd. */
export interface MadeCgroup {
  readonly cgroup: Cgroup
  /** How its first process joins. */
  readonly join: JoinOptions
  /** To be called once a process of the container is in it. */
  joined(): Promise<void>
  /** Removes it; nobody must be in it. */
  remove(): Promise<void>
}

/** One that we have made. */
export function ownCgroup(cgroup: Cgroup): MadeCgroup {
  return {
    cgroup,
    join: { cloneInto: true },
    joined: () => Promise.resolve(),
    remove: () => cgroup.remove(),
  }
}

/**
 * Has systemd make one. What speaks to it is loaded only then.
 *
 * @throws `CgroupError`
 */
export async function makeScope(
  unit: string,
  resources: Resources,
  options: CreateScopeOptions,
): Promise<MadeCgroup> {
  const { createScope } = await import('@ctr/cgroups/systemd')
  const scope = await createScope(unit, resources, options)
  return {
    cgroup: scope.cgroup,
    // begun in it by clone3, a process would count against the limit of processes beside the keeper; one that moves
    // into it is not counted
    join: { cloneInto: false },
    joined: () => scope.release(),
    remove: () => scope.remove(),
  }
}

/** Removes a container's cgroup, in which nobody is left, whoever made it. */
export async function removeCgroup(cgroup: Cgroup): Promise<void> {
  if (!cgroup.path.endsWith('.scope')) return cgroup.remove()
  const { scopeOf } = await import('@ctr/cgroups/systemd')
  return scopeOf(cgroup).remove()
}
