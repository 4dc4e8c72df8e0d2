/** The mark of Bridgekeeper: a bridge with its two towers. */
export function Mark({ size = 22 }: { readonly size?: number }) {
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 22 22"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M2 16h18M4 16v-4M18 16v-4M2 12c3 0 5-2.6 5-6M20 12c-3 0-5-2.6-5-6M7 6a4 4 0 0 0 8 0M11 10v6" />
    </svg>
  )
}
