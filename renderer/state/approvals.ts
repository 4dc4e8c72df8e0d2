import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import type { ApprovalDetails } from '../../shared/access.ts'
import { useBridge } from './bridge-context.ts'
import { approvalsKey } from './live.ts'

/** The calls that wait for the person, the oldest first. */
export function useApprovals(): UseQueryResult<readonly ApprovalDetails[]> {
  const { bridge } = useBridge()
  return useQuery({ queryKey: approvalsKey, queryFn: () => bridge.approvals.list({}) })
}
