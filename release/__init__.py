"""What a release needs: the audit of dependencies, bills of materials, and base images pinned by digest."""
