{{- define "dynakv.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 53 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 53 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "dynakv.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "dynakv.labels" -}}
{{ include "dynakv.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "dynakv.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "dynakv.name" .) "default" .Values.serviceAccount.create) }}
{{- end }}

{{- /* The server's settings, with those that follow from other values. Fails where the server would refuse them. */ -}}
{{- define "dynakv.settings" -}}
{{- $settings := deepCopy .Values.settings }}
{{- $_ := set $settings "listen" (printf "0.0.0.0:%d" (int .Values.service.port)) }}
{{- $_ := set $settings "adminListen" (printf "0.0.0.0:%d" (int .Values.admin.port)) }}
{{- if .Values.tls.existingSecret }}
{{- $_ := set $settings "tlsCert" "/etc/dynakv/tls/tls.crt" }}
{{- $_ := set $settings "tlsKey" "/etc/dynakv/tls/tls.key" }}
{{- end }}
{{- if .Values.access.existingSecret }}
{{- $_ := set $settings "tokensFile" "/etc/dynakv/access/tokens.json" }}
{{- if .Values.access.hasPolicy }}
{{- $_ := set $settings "policyFile" "/etc/dynakv/access/policy.json" }}
{{- end }}
{{- if not (or .Values.tls.existingSecret $settings.allowPlaintextOnTheNetwork) }}
{{- fail "tokens would travel in plaintext: set tls.existingSecret, or settings.allowPlaintextOnTheNetwork where a mesh or a proxy encrypts" }}
{{- end }}
{{- else if not (or $settings.jwks $settings.tlsClientCa $settings.allowAnyoneOnTheNetwork) }}
{{- fail "the server would not know its callers: set access.existingSecret, or settings.jwks, or settings.allowAnyoneOnTheNetwork" }}
{{- end }}
{{- $settings | toPrettyJson }}
{{- end }}
